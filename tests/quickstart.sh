#!/bin/sh
# The main job on the embedded default: a workspace over the handbook that comes with the project, and two questions.
# Repeatable: the workspace lies in a folder of its own that is made anew.
set -eu
br=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
docs=$(cd "$(dirname "$0")/data/quickstart" && pwd)
dir=${TMPDIR:-/tmp}/br-quickstart-$(id -u)
rm -rf "$dir"
mkdir -p "$dir"
run() {
	printf '\n$ br %s\n' "$(for a in "$@"; do case $a in *' '*) printf '"%s" ' "$a" ;; *) printf '%s ' "$a" ;; esac; done)"
	"$br" "$@"
}
cp -r "$docs" "$dir/handbook"
cd "$dir"
run init
run sync handbook
run query -k 3 'how do I keep a notebook equal to a folder?'
run chat 'what happens when a file cannot be read?'
run status
printf '\nThe workspace is in %s. Now try your own folder:\n  cd FOLDER && %s init && %s sync . && %s query "..."\n' "$dir" "$br" "$br" "$br"
