#!/bin/sh
# Reads every #include "br/..." below src and include, and every door's foreign header, and names what points the wrong way.
set -eu
cd "$(dirname "$0")/.."
bad=$(awk '
	FNR == NR { if (!/^#/) { line++; for (i = 1; i <= NF; i++) level[$i] = line }; next }
	/^#include "br\// {
		split(FILENAME, part, "/")
		mod = FILENAME ~ /^include/ ? part[3] : part[2]
		sub(/\.h$/, "", mod)
		inc = $2; gsub(/"|br\/|\.h/, "", inc)
		if (mod == "br" || mod == "extract") next
		own = mod in level ? level[mod] : 99
		if (inc == mod || (own == 1 && level[inc] == 1)) next
		if (!(inc in level)) print FILENAME ": includes br/" inc ".h, which has no layer"
		else if (level[inc] >= own) print FILENAME ": " mod " must not include br/" inc ".h"
	}' tests/layers src/*/*.c src/*/*.h src/server/dialect/*/*.[ch] include/br/*.h)
door() { # header, folders that may include it
	grep -lE "#include <$1" src/*/*.[ch] src/*/*/*.[ch] cmd/*.[ch] | grep -vE "^($2)[/:]?" | sed "s#\$#: <$1> belongs behind $2#" || true
}
bad="$bad
$(door lmdb.h src/store; door cjson/ src/json; door pcre2.h src/rx; door curl/ src/net; door openssl/ "src/base|src/server/tls"; door zlib.h "src/server|src/extract"
	door wslay/ src/wsock; door libxml/ "src/extract|cmd/br-extract.c"; door md4c.h src/text; door uchardet src/text; door libstemmer.h src/fts; door seccomp.h src/extract; door ini.h src/base; door faiss/ src/ann; door histedit.h cmd/chat_edit.c)"
bad=$(echo "$bad" | grep . || true)
if [ -n "$bad" ]; then
	echo "$bad" >&2
	exit 1
fi
echo "layers: clean"
