package kube

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// errUnread passes: a file that is renewed is gone for a moment.
var errUnread = errors.New("the kubeconfig can't be read")

// requestTime bounds one request.
const requestTime = 30 * time.Second

// Kubeconfig connects by the contexts of a kubeconfig file; without a context, to
// the cluster in which the program runs. The file is read anew when it changes, so
// that renewed credentials are taken up.
func Kubeconfig(file string) func(context string) (client.Client, error) {
	k := &kubeconfig{file: file}
	return k.connect
}

type kubeconfig struct {
	file string

	mu      sync.Mutex
	read    [32]byte
	clients map[string]client.Client
}

func (k *kubeconfig) connect(name string) (client.Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var content []byte
	if name != "" {
		if k.file == "" {
			return nil, fmt.Errorf("%w: no --kubeconfig is given, which would have its context", errBad)
		}
		var err error
		if content, err = os.ReadFile(k.file); err != nil {
			return nil, errUnread
		}
	}
	if sum := sha256.Sum256(content); name != "" && sum != k.read {
		k.read, k.clients = sum, nil
	}
	if c := k.clients[name]; c != nil {
		return c, nil
	}
	config, err := configOf(content, name)
	if err != nil {
		return nil, err
	}
	config.Timeout, config.QPS, config.UserAgent = requestTime, -1, "portreeve"
	carry, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("%w: its credentials can't be used", errBad)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, carry)
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{HTTPClient: carry, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	if k.clients == nil {
		k.clients = map[string]client.Client{}
	}
	k.clients[name] = c
	return c, nil
}

func configOf(content []byte, name string) (*rest.Config, error) {
	if name == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("%w: its declaration names no context, and the program runs in no cluster", errBad)
		}
		return config, nil
	}
	all, err := clientcmd.Load(content)
	if err != nil {
		return nil, fmt.Errorf("%w: the kubeconfig is not valid", errBad)
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*all, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: the kubeconfig has no context %q, or a part of it is missing", errBad, name)
	}
	return config, nil
}
