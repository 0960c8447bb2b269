// Package browser is a person at a headless Chromium: it opens pages, reads
// them, fills forms and presses buttons by what is written on them.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long anything on a page may take.
const patience = 20 * time.Second

// Page is a tab.
type Page struct {
	ctx    context.Context
	cancel func()

	mu     sync.Mutex
	faults []string
}

// Open starts Chromium with a profile of its own in dir.
func Open(ctx context.Context, dir string) (*Page, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.Env("HOME="+dir),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		// A page that asks for anything beyond this machine gets nothing.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.WindowSize(1280, 900),
	)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancel := chromedp.NewContext(ctx)
	p := &Page{ctx: ctx, cancel: func() { cancel(); stop() }}
	err = chromedp.Listen(ctx, p.listen)
	if err == nil {
		err = chromedp.Do(ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
			return chromedp.Void{}, err
		})
	}
	if err != nil {
		p.cancel()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return p, nil
}

// find finds Chromium, by the names that it goes by.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium; make e2e installs it")
}

// Close ends the browser.
func (p *Page) Close() { p.cancel() }

// listen keeps what the browser complains about: scripts that fail, files
// that are missing, things that a page may not do.
func (p *Page) listen(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		fault = "script: " + said(e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			fault = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "http://127.0.0.1:") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
			fault = "a page asks for " + u
		}
	}
	if fault != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = append(p.faults, fault)
	}
}

// Faults are the browser's complaints since they were last asked for.
func (p *Page) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := p.faults
	p.faults = nil
	return faults
}

// Go opens an address.
func (p *Page) Go(url string) error {
	_, err := run(p, "open "+url, chromedp.Navigate(url))
	return err
}

// Text is what the page shows.
func (p *Page) Text() (string, error) { return run(p, "read", chromedp.Text(chromedp.CSS("body"))) }

// Shows waits until the page shows all of the texts, loading it again.
func (p *Page) Shows(texts ...string) error {
	return p.until(fmt.Sprintf("does not show %q", texts), func(page string) bool {
		return !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(page, t) })
	})
}

// Lacks waits until the page shows a text no more, loading it again.
func (p *Page) Lacks(text string) error {
	return p.until(fmt.Sprintf("still shows %q", text), func(page string) bool { return !strings.Contains(page, text) })
}

func (p *Page) until(otherwise string, good func(page string) bool) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(250 * time.Millisecond) {
		page, err := p.Text()
		if err != nil || good(page) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the page %s:\n%s", otherwise, page)
		}
		if _, err := run(p, "reload", chromedp.Reload()); err != nil {
			return err
		}
	}
}

// Follow presses the link or button on which a text stands, and waits for the
// page that comes.
func (p *Page) Follow(text string) error {
	path := fmt.Sprintf(`(//a[normalize-space()=%[1]q] | //button[normalize-space()=%[1]q] | //input[@type="submit"][@value=%[1]q])[1]`, text)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.Search(path), chromedp.NodeVisible)); err != nil {
		return fmt.Errorf("press %q: %w", text, err)
	}
	return nil
}

// Fill types into the field of that name, in place of what it holds.
func (p *Page) Fill(name, text string) error {
	field := fmt.Sprintf(`input[name=%[1]q], textarea[name=%[1]q]`, name)
	_, err := run(p, "fill "+name, chromedp.Steps(
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = ""`, field)),
		chromedp.SendKeys(chromedp.CSS(field), text),
	))
	return err
}

// Width sets the width of the window, for small screens.
func (p *Page) Width(pixels int64) error {
	_, err := run(p, "resize", chromedp.EmulateViewport(pixels, 900))
	return err
}

// Overflow is by how many pixels the page is wider than its window.
func (p *Page) Overflow() (int, error) {
	return run(p, "measure", chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
}

// Picture writes what the whole page looks like to a PNG file.
func (p *Page) Picture(file string) error {
	png, err := run(p, "picture", chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o600)
}

func run[T any](p *Page, what string, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		return v, fmt.Errorf("%s: %w", what, err)
	}
	return v, nil
}

// said is an exception's text, with its stack where there is one.
func said(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}
