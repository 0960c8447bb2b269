package sandbox

import "path"

// History are the commits up to this one, or those of them that changed a path.
func (c *commitNode) History(args struct {
	slicing
	Path *string
},
) (*connection[*commitNode], error) {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	name := ""
	if args.Path != nil {
		name = *args.Path
	}
	found, err := c.repo.history(c.hash, name, 1000)
	if err != nil {
		return nil, err
	}
	var all []*commitNode
	for _, one := range found {
		all = append(all, &commitNode{objectOf(c.repo, c.web, one.Hash), one})
	}
	return connect(all, args.slicing, "history")
}

// File is the file at a path; null for none.
func (c *commitNode) File(args struct{ Path string }) *entryNode {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	e, ok := c.repo.git.find(c.is.TreeHash, args.Path)
	if !ok {
		return nil
	}
	kind := "blob"
	if !e.Mode.IsFile() {
		kind = "tree"
	}
	return &entryNode{Name: path.Base(args.Path), Type: kind, Path: &args.Path, Mode: int32(e.Mode), Oid: objectID(e.Hash.String()), Object: objectOf(c.repo, c.web, e.Hash)}
}

type gitActorNode struct {
	Name, Email *string
	User        *userNode
}

// Author is who wrote it.
func (c *commitNode) Author() *gitActorNode {
	a := &gitActorNode{Name: optString(c.is.Author.Name), Email: optString(c.is.Author.Email)}
	c.repo.forge.mu.Lock()
	defer c.repo.forge.mu.Unlock()
	for _, u := range c.repo.forge.users {
		if u.login == c.is.Author.Name && !u.bot {
			a.User = &userNode{u, c.web}
		}
	}
	return a
}

// AssociatedPullRequests is the one that brought it.
func (c *commitNode) AssociatedPullRequests(args slicing) (*connection[*pullNode], error) {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	var all []*pullNode
	if p := c.repo.broughtBy(c.hash); p != nil {
		all = append(all, showPull(p, c.web))
	}
	return connect(all, args, "associatedPullRequests")
}
