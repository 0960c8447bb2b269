module github.com/portreeve/portreeve/e2e

go 1.26.0

replace github.com/portreeve/portreeve => ../

require (
	github.com/agnivade/levenshtein v1.2.2 // indirect
	github.com/vektah/gqlparser/v2 v2.5.64 // indirect
)
