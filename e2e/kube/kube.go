// Package kube runs a real kube-apiserver over an etcd, and talks to it as any
// client does, over HTTP.
package kube

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/portreeve/portreeve/e2e/parts"
)

// Token is one of an administrator.
const Token = "token-of-the-tests"

// Server is a running API server.
type Server struct {
	URL      string
	client   *http.Client
	commands []*exec.Cmd
	logs     bytes.Buffer
}

// Start starts etcd and the API server with their data below dir. Close ends them.
func Start(dir string) (*Server, error) {
	programs, err := parts.Build("apiserver", "", ".")
	if err != nil {
		return nil, err
	}
	etcd, err := parts.Debian("etcd-server")
	if err != nil {
		return nil, err
	}
	var ports [3]int
	for i := range ports {
		if ports[i], err = parts.Free(); err != nil {
			return nil, err
		}
	}
	if err := credentials(dir); err != nil {
		return nil, err
	}
	s := &Server{
		URL:    fmt.Sprintf("https://127.0.0.1:%d", ports[2]),
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, // its certificate is its own
	}
	store := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	err = s.run(filepath.Join(etcd, "usr", "bin", "etcd"), "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", store,
		"--advertise-client-urls", store, "--listen-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", ports[1]))
	if err == nil {
		err = s.run(filepath.Join(programs, "apiserver"), "--etcd-servers", store,
			"--service-account-key-file", filepath.Join(dir, "sa.crt"), "--service-account-signing-key-file", filepath.Join(dir, "sa.key"),
			"--service-account-issuer", "https://kubernetes.example", "--token-auth-file", filepath.Join(dir, "tokens.csv"),
			"--cert-dir", filepath.Join(dir, "certificates"), "--secure-port", fmt.Sprint(ports[2]), "--bind-address", "127.0.0.1",
			"--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC")
	}
	if err == nil {
		err = s.await("it is ready", func() bool {
			_, err := s.Do(http.MethodGet, "/readyz", "", nil)
			return err == nil
		})
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// credentials writes the keys of service accounts and the administrator's token.
func credentials(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sa"}, NotAfter: time.Now().Add(24 * time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"sa.key":     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"sa.crt":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		"tokens.csv": []byte(Token + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) run(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &s.logs, &s.logs
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.commands = append(s.commands, cmd)
	return nil
}

// Close ends the servers.
func (s *Server) Close() {
	for i := len(s.commands) - 1; i >= 0; i-- {
		_ = s.commands[i].Process.Kill()
		_ = s.commands[i].Wait() // it was killed
	}
}

func (s *Server) await(what string, is func() bool) error {
	for range 600 {
		if is() {
			return nil
		}
		time.Sleep(100 * time.Millisecond) // there is nothing to be told by
	}
	return fmt.Errorf("kube-apiserver: not in a minute: %s", what)
}

// Do asks the server, and gives its answer; one that is no success is an error.
func (s *Server) Do(method, path, contentType string, body []byte) ([]byte, error) {
	req, err := http.NewRequest(method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+Token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, err
}

const serverSide = "application/apply-patch+yaml"

// Define applies prometheus-operator's own definitions, and waits until they are
// served.
func (s *Server) Define(names ...string) error {
	dir, err := parts.Module("crds", "github.com/prometheus-operator/prometheus-operator")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, "example", "prometheus-operator-crd", "monitoring.coreos.com_"+name+".yaml"))
		if err != nil {
			return err
		}
		path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + name + ".monitoring.coreos.com"
		if _, err := s.Do(http.MethodPatch, path+"?fieldManager=tests&force=true", serverSide, text); err != nil {
			return err
		}
		if err := s.await(name+" are served", func() bool {
			answer, err := s.Do(http.MethodGet, path, "", nil)
			return err == nil && established(answer)
		}); err != nil {
			return err
		}
	}
	return nil
}

func established(answer []byte) bool {
	var definition struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if json.Unmarshal(answer, &definition) != nil {
		return false
	}
	for _, c := range definition.Status.Conditions {
		if c.Type == "Established" && c.Status == "True" {
			return true
		}
	}
	return false
}

// Apply applies an object of prometheus-operator on the server's side, strictly:
// a field that the definition does not know is an error.
func (s *Server) Apply(kind, namespace, name string, manifest []byte) error {
	path := map[string]string{
		"Prometheus":      "/apis/monitoring.coreos.com/v1/namespaces/%s/prometheuses/%s",
		"PrometheusAgent": "/apis/monitoring.coreos.com/v1alpha1/namespaces/%s/prometheusagents/%s",
	}[kind]
	if path == "" || strings.Contains(namespace+name, "/") {
		return fmt.Errorf("no object %s %s/%s is known here", kind, namespace, name)
	}
	_, err := s.Do(http.MethodPatch, fmt.Sprintf(path, namespace, name)+"?fieldManager=tests&force=true&fieldValidation=Strict", serverSide, manifest)
	return err
}

// Namespace makes a namespace.
func (s *Server) Namespace(name string) error {
	_, err := s.Do(http.MethodPost, "/api/v1/namespaces", "application/json", fmt.Appendf(nil, `{"metadata": {"name": %q}}`, name))
	return err
}

// Kubeconfig is one whose only context, of a name, leads to url with a token.
func Kubeconfig(context, url, token string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: it, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: it, user: {token: %q}}]
contexts: [{name: %q, context: {cluster: it, user: it}}]
`, url, token, context)
}

// Proxy leads to the server; its certificate is its own. before is asked of each request, and after
// of each that was carried out; where one says so, the client gets no answer.
func (s *Server) Proxy(before, after func() (lost bool)) *httptest.Server {
	return httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before() {
			panic(http.ErrAbortHandler)
		}
		req, err := http.NewRequestWithContext(r.Context(), r.Method, s.URL+r.URL.RequestURI(), r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		req.Header = r.Header
		resp, err := s.client.Do(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || after() {
			panic(http.ErrAbortHandler)
		}
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body) // it may have gone
	}))
}
