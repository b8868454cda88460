module github.com/avouch-oauth/avouch/examples

go 1.26.0

require github.com/avouch-oauth/avouch v0.0.0

replace github.com/avouch-oauth/avouch => ../
