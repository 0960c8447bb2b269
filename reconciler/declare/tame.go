package declare

import (
	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"
)

// maxRun is how many tokens of a tame file stand between two commas or line
// ends: CUE's parser takes quadratic time for a long chain of labels.
const maxRun = 256

// maxIllegal is how many mistakes of spelling a tame file has: for each the
// parser goes through those before.
const maxIllegal = 20

// maxTame is the size in bytes up to which a file may be tame.
const maxTame = 256 << 10

// tame reports whether a file can be parsed and, as far as it is plain data,
// evaluated right here. It reads tokens, in linear time and without
// recursion, and knows only those that plain data is made of. Any other file
// is left to a process that can be ended.
func tame(src source) bool {
	if len(src.data) > maxTame {
		return false
	}
	var s scanner.Scanner
	s.Init(token.NewFile(src.path, -1, len(src.data)), src.data, func(token.Pos, string, []any) {}, 0)
	depth, run, illegal := 0, 0, 0
	for {
		_, tok, _ := s.Scan()
		run++
		switch tok {
		case token.EOF:
			return true
		case token.COMMA:
			run = 0
		case token.LBRACE, token.LBRACK:
			depth++
		case token.RBRACE, token.RBRACK:
			depth = max(0, depth-1)
		case token.IDENT, token.STRING, token.INT, token.FLOAT, token.TRUE, token.FALSE, token.NULL,
			token.COLON, token.PERIOD, token.AND, token.SUB, token.BIND, token.ATTRIBUTE:
		case token.ILLEGAL:
			illegal++
		default:
			return false
		}
		if depth > maxNesting || run > maxRun || illegal > maxIllegal {
			return false
		}
	}
}
