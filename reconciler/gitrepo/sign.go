package gitrepo

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/fluxcd/pkg/git/signature"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Signer signs the text of a commit; its answer is armored, as Git keeps it.
// It may be used by many goroutines at once, and its errors hold no key.
type Signer interface {
	Sign(text io.Reader) ([]byte, error)
}

// NewSigner reads an SSH private key, or an armored OpenPGP private key, and
// proves that it can sign. The passphrase is for a key that is encrypted.
func NewSigner(key, passphrase []byte) (Signer, error) {
	read := sshSigner
	if bytes.Contains(key, []byte("-----BEGIN PGP ")) {
		read = openpgpSigner
	}
	s, err := read(key, passphrase)
	if err != nil {
		return nil, err
	}
	if _, err := s.Sign(strings.NewReader("proof")); err != nil {
		return nil, errors.New("the key can't sign: it is expired, revoked or not made for it")
	}
	return s, nil
}

// The libraries' own errors are not handed on: what one says of a file that
// is no key is for it to choose, and might be the file.
var (
	errNoKey   = errors.New("neither an SSH private key nor an armored OpenPGP private key, or one too weak to sign with")
	errLocked  = errors.New("the key is encrypted, and no passphrase is given")
	errUnlock  = errors.New("the key can't be decrypted with this passphrase")
	errPublic  = errors.New("this is a public key; signing needs the private one")
	errManyPGP = errors.New("there is more than one OpenPGP key; export the one to sign with")
)

func sshSigner(key, passphrase []byte) (Signer, error) {
	s, err := signature.NewSSHSigner(key, passphrase)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, signature.ErrSSHPassphraseRequired):
		return nil, errLocked
	case bytes.HasPrefix(key, []byte("ssh-")), bytes.HasPrefix(key, []byte("ecdsa-")):
		return nil, errPublic
	case len(passphrase) > 0 && bytes.Contains(key, []byte(" PRIVATE KEY-----")):
		return nil, errUnlock
	}
	return nil, errNoKey
}

func openpgpSigner(key, passphrase []byte) (Signer, error) {
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	switch {
	case err != nil || len(keys) == 0:
		return nil, errNoKey
	case len(keys) > 1:
		return nil, errManyPGP
	case keys[0].PrivateKey == nil:
		return nil, errPublic
	}
	if locked(keys[0]) {
		if len(passphrase) == 0 {
			return nil, errLocked
		}
		if keys[0].DecryptPrivateKeys(passphrase) != nil {
			return nil, errUnlock
		}
	}
	return signature.NewOpenPGPSigner(keys[0])
}

// locked says whether any part of a key is encrypted. A primary key that is
// only mentioned, as where subkeys alone were exported, is not.
func locked(e *openpgp.Entity) bool {
	if !e.PrivateKey.Dummy() && e.PrivateKey.Encrypted {
		return true
	}
	for _, sub := range e.Subkeys {
		if sub.PrivateKey != nil && !sub.PrivateKey.Dummy() && sub.PrivateKey.Encrypted {
			return true
		}
	}
	return false
}

// signed puts the signature of a commit's text into its header, in the form
// that git gives it: after the committer, further lines indented by a space.
func (c *Client) signed(text []byte) ([]byte, error) {
	if c.opts.Signer == nil {
		return text, nil
	}
	sig, err := c.opts.Signer.Sign(bytes.NewReader(text))
	if err == nil && len(bytes.TrimSpace(sig)) == 0 {
		err = errors.New("the signature is empty")
	}
	if err != nil {
		return nil, &fleet.Failure{Class: fleet.Permanent, Op: "sign", On: "commit", Err: err}
	}
	header, body, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(strings.TrimSpace(string(sig)), "\n")
	var out bytes.Buffer
	out.Write(header)
	out.WriteString("\ngpgsig " + strings.Join(lines, "\n ") + "\n\n")
	out.Write(body)
	return out.Bytes(), nil
}
