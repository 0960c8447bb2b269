package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The kinds of a packet line; all but pktData are without payload.
const (
	pktData = iota
	pktFlush
	pktDelim
	pktEnd
)

const maxPkt = 65520

// pktReader reads packet lines. The payload is valid until the next call.
type pktReader struct {
	r   *bufio.Reader
	buf [maxPkt]byte
}

func newPktReader(r io.Reader) *pktReader {
	return &pktReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next reads one line. A line "ERR" is the server's refusal.
func (p *pktReader) next() (kind int, payload []byte, err error) {
	if _, err := io.ReadFull(p.r, p.buf[:4]); err != nil {
		return 0, nil, &damage{"cut off", noEOF(err)}
	}
	size, err := strconv.ParseUint(string(p.buf[:4]), 16, 16)
	switch {
	case err != nil || size == 3 || size > maxPkt:
		return 0, nil, &damage{"not a packet line", nil}
	case size < 3:
		return int(size) + pktFlush, nil, nil
	}
	payload = p.buf[:size-4]
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil, &damage{"cut off", noEOF(err)}
	}
	if reason, ok := bytes.CutPrefix(payload, []byte("ERR ")); ok {
		return 0, nil, &refusal{reason: string(reason)}
	}
	return pktData, payload, nil
}

// line is next for a payload that is text.
func (p *pktReader) line() (kind int, text string, err error) {
	kind, payload, err := p.next()
	return kind, string(bytes.TrimSuffix(payload, []byte("\n"))), err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// pktWriter builds a request of packet lines.
type pktWriter struct{ bytes.Buffer }

func (w *pktWriter) linef(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(w, "%04x%s", len(text)+4, text)
}

func (w *pktWriter) flush() { w.WriteString("0000") }
func (w *pktWriter) delim() { w.WriteString("0001") }

// sideband reads the data channel of a multiplexed answer, and keeps the
// first part of what the server tells people meanwhile.
type sideband struct {
	pkts  *pktReader
	rest  []byte
	words bytes.Buffer
	end   bool
}

// Read implements io.Reader; the server's fatal word is a *refusal.
func (s *sideband) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.end {
			return 0, io.EOF
		}
		kind, payload, err := s.pkts.next()
		switch {
		case err != nil:
			return 0, err
		case kind != pktData:
			s.end = true
			continue
		case len(payload) == 0:
			continue
		}
		switch payload[0] {
		case 1:
			s.rest = payload[1:]
		case 2:
			if s.words.Len() < int(maxReasonRead) {
				s.words.Write(payload[1:])
			}
		case 3:
			return 0, &refusal{string(payload[1:]), true}
		default:
			return 0, &damage{"unknown channel", nil}
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
