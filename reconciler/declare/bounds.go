package declare

func bounded(files []*file) bool { return true }
