package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
)

// otherWords is how another version of Portreeve says what this one says.
var otherWords = strings.NewReplacer(
	"**Why:**", "**The reason:**",
	"**No?** Close this.", "**Not wanted?** Close it.",
	"Closed, because it is no longer needed", "Closed: nobody needs it any more",
)

// runWorded is a portreeve that words differently what it writes on the forge
// and what it tells: this one, behind a proxy that puts its own words into
// each request.
func runWorded() int {
	forge, err := url.Parse(os.Getenv("PORTREEVE_FORGE_URL"))
	if err != nil {
		return exitUsage
	}
	proxy := httputil.NewSingleHostReverseProxy(forge) // which leaves the Host as it is asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Content-Type"), "json") {
			body, _ := io.ReadAll(r.Body)
			body = []byte(otherWords.Replace(string(body)))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	var args []string
	for _, a := range os.Args[1:] {
		args = append(args, strings.Replace(a, forge.String(), server.URL, 1))
	}
	os.Setenv("PORTREEVE_FORGE_URL", server.URL)
	stdout := os.Stdout
	read, write, err := os.Pipe()
	if err != nil {
		return exitOutside
	}
	os.Stdout = write
	told := make(chan struct{})
	go func() {
		defer close(told)
		b, _ := io.ReadAll(read)
		_, _ = otherWords.WriteString(stdout, string(b))
	}()
	status := run(args)
	write.Close()
	<-told
	return status
}

// runOdd is a program that is no other version, in the way that its argument
// says.
func runOdd() int {
	switch os.Args[1] {
	case "hangs":
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, os.Interrupt)
		<-ended
	case "endless":
		for {
			if _, err := fmt.Println(strings.Repeat("x", 1<<10)); err != nil {
				return exitOutside
			}
		}
	case "fails":
		fmt.Fprintln(os.Stderr, "unknown flag\nno \x1b[31msecret-token here")
		return exitUsage
	case "older":
		fmt.Println(`{"revision": "", "steps": []}`)
	case "newer":
		fmt.Println(`{"format": 99}`)
	case "page":
		fmt.Println("<html>")
	default: // tells all that it was given
		b, _ := json.Marshal(map[string]any{"format": 1, "version": strings.Join(append(os.Environ(), os.Args...), "\n")})
		fmt.Println(string(b))
	}
	return 0
}
