package sandbox

import "net/http"

func newPages(f *Forge) http.Handler { return http.NotFoundHandler() }

func (s *skin) servePage(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }
