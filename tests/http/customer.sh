#!/bin/sh
# What a customer of the product does, with curl: customer.sh URL. Members are read from the answers by python3.
set -eu
api=$1/api
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The answer's data is d; what the expression makes of it is printed. One python for each answer.
expect='
import json, sys
text = sys.stdin.read()
body = json.loads(text)
if body.get("success") is not True or body.get("error") is not None:
    sys.exit(sys.argv[1] + ": " + text)
d = body["data"]
print(eval(sys.argv[2]))
'

call() { # expression method path [curl's options]
	what=$1 method=$2 path=$3
	shift 3
	curl -sS --noproxy '*' -X "$method" "$path" -H 'Authorization: Bearer dev-token' "$@" | python3 -S -c "$expect" "$method $path" "$what"
}

json() { # expression method path body
	call "$1" "$2" "$3" -H 'Content-Type: application/json' -d "$4"
}

is() { # have want
	[ "$1" = "$2" ] || {
		echo "it is '$1', not '$2'" >&2
		exit 1
	}
}

until_is() { # want expression path
	i=0
	while [ $i -lt 600 ]; do
		have=$(call "$2" GET "$3")
		[ "$have" != "$1" ] || return 0
		[ "$have" != error ] || break
		i=$((i + 1))
		sleep 0.1
	done
	echo "$3: it is '$have', not '$1'" >&2
	exit 1
}

printf '# Pump\n\nThe shaft seal is replaced every 2000 hours.\n' >"$dir/pump.md"
cp "$dir/pump.md" "$dir/twin.md"
echo 'Boil carrots with onions and salt.' >"$dir/soup.txt"
id=$(cat /proc/sys/kernel/random/uuid)
is "$(json 'd["notebook_id"]' POST "$api/notebooks/" "{\"notebook_id\":\"$id\",\"notebook_title\":\"Manuals\",\"user_id\":\"\"}")" "$id"
nb=$api/notebooks/$id
files=$(call 'json.dumps([{"file_id": u["file_id"], "file_name": u["file_name"], "file_path": u["storage_path"]} for u in d])' POST \
	"$nb/documents/upload" -F "files=@$dir/pump.md" -F "files=@$dir/soup.txt" -F "files=@$dir/twin.md")
ids=$(json '" ".join(j["file_id"] for j in d["jobs"])' POST "$nb/documents/ingest" "{\"files\":$files,\"settings\":{\"chunk_size\":1000,\"chunk_overlap\":200}}")
for file in $ids; do
	until_is success 'd["status"]' "$nb/documents/$file/stage"
done
file=${ids%% *}
set -- # one curl for all of them
for strategy in $(call '" ".join(s["id"] for s in d)' GET "$nb/retrieval/strategies"); do
	set -- "$@" --next -sS --noproxy '*' -w '\n' -H 'Content-Type: application/json' "$nb/retrieval/retrieve" \
		-d "{\"query\":\"shaft seal\",\"strategy_id\":\"$strategy\",\"top_k\":5}"
done
shift
curl "$@" >"$dir/found"
is "$(grep -c '"success":true.*"rank":1,' "$dir/found")" 7
chat=$(json 'd["conversation_id"]' POST "$nb/conversations" '{"title":"New Chat"}')
is "$(json 'd["assistant_message"]["citations"][0]["metadata"]["file_name"] in ("pump.md", "twin.md")' POST \
	"$nb/conversations/$chat/messages" '{"content":"When is the shaft seal replaced?"}')" True
message=$(json 'd["assistant_message"]["id"]' POST "$nb/conversations/$chat/messages" '{"content":"And the carrots?"}')
is "$(call 'len(d)' GET "$nb/conversations/$chat/messages")" 4
is "$(json 'd["is_positive"]' POST "$nb/messages/$message/feedback" '{"is_positive":false,"feedback_text":"short"}')" False
is "$(json 'd["started"]' POST "$nb/enhance" "{\"file_ids\":[\"$file\"]}")" True
until_is True 'd["all_terminated"]' "$nb/enhance/status?file_id=$file"
is "$(json 'd["published_count"]' POST "$nb/enhance/publish" "{\"file_id\":\"$file\",\"file_name\":\"pump.md\",\"notebook_title\":\"Manuals\"}")" 1
is "$(call 'd["duplicate_count"]' GET "$nb/health")" 1
is "$(call 'd["removed_count"], d["new_health_score"]' POST "$nb/health/cleanup")" '(1, 100)'
made=$(json 'd["key_id"] + " " + d["api_key"]' POST "$api/settings/developer-keys" "{\"notebook_id\":\"$id\",\"name\":\"Kiosk\"}")
key=${made#* }
ext() { # expression method path [body]
	call "$1" "$2" "$api/v1/external$3" -H "X-API-Key: $key" -H 'Content-Type: application/json' ${4:+-d "$4"}
}
is "$(ext 'd["chunks"][0]["source"]' POST /query '{"query":"shaft seal","top_k":3}')" pump.md
chat=$(ext 'd["conversation_id"]' POST /chat '{"message":"When is the shaft seal replaced?"}')
is "$(ext 'd["conversation_id"]' POST /chat "{\"message\":\"And the carrots?\",\"conversation_id\":\"$chat\"}")" "$chat"
is "$(ext 'len(d["messages"])' GET "/chat/$chat/messages")" 4
is "$(call 'd["deleted"]' DELETE "$api/settings/developer-keys/${made%% *}")" True
is "$(curl -sS --noproxy '*' -o "$dir/last" -w '%{http_code}' -H "X-API-Key: $key" -H 'Content-Type: application/json' -d '{"query":"x"}' \
	"$api/v1/external/query")" 401
is "$(call 'd["deleted"]' DELETE "$nb")" True
echo done
