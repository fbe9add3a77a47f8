#!/usr/bin/env bats
load lib
prepare() { br init -q; : >"$S/all"; }

# Makes a key; its secret is in $SECRET, and all secrets are remembered for the test that looks for them.
make_key() {
	want 0 keys create "$@"
	SECRET=$(cat "$S/out")
	echo "$SECRET" >>"$S/secrets"
}

# says STATUS WORDS ARGS...: what check says to $SECRET, at BR_CLOCK + $LATER.
says() {
	local wanted=$1 words=$2
	shift 2
	EXTRA=(BR_CLOCK=$((1700000000 + ${LATER:-0})))
	want_in "$wanted" "$SECRET\n" keys check "$@"
	EXTRA=()
	if [ "$wanted" -eq 0 ]; then out_has "$words"; else err_has "$words"; out_empty; fi
	! grep -qF -e "$SECRET" "$S/out" "$S/err" || fails_with "the secret was told"
}

@test "create prints the secret, and only that, on standard output, once" {
	make_key bot
	[[ $SECRET =~ ^br_[A-Za-z0-9_-]{43}$ ]] || fails_with "not a secret: $SECRET"
	err_has "key 'bot'"
	err_has "not shown again"
	want 0 keys list
	out_has bot
	out_has active
	out_has "${SECRET:0:7}..."
	out_lacks "$SECRET"
	want 0 keys show bot
	out_lacks "$SECRET"
	says 0 "allowed: key 'bot'"
	want 0 keys create other -q
	err_empty
}

@test "--json" {
	want 0 keys create ci --json --kind quivr --scope query,kb:read --scope documents:write --from 10.0.0.0/8 --from 2001:db8::/32 \
		--rate 5/second --rate 100/hour --tokens-per-day 1000000 --tokens-per-month 20000000 --expires 90d --owner ann --for default
	json '(.secret | test("^qk_[A-Za-z0-9_-]{43}$")) and .name == "ci" and .kind == "quivr" and .state == "active" and .enabled
	      and .scopes == ["query","kb:read","documents:write"] and .from == ["10.0.0.0/8","2001:db8::/32"]
	      and .rates == ["5/second","100/hour"] and .tokens_per_day == 1000000 and .tokens_per_month == 20000000
	      and .created == "2023-11-14T22:13:20Z" and .expires == "2024-02-12T22:13:20Z" and .owner == "ann" and .last_used == null
	      and (.notebooks | length == 1 and .[0].name == "default") and (.secrets | length == 1 and .[0].state == "current")
	      and .id == .secrets[0].id and .begins == .secret[0:7]'
	jq -S 'del(.secret)' "$S/out" >"$S/made"
	want 0 keys show ci --json
	json 'has("secret") | not'
	jq -S . "$S/out" | cmp - "$S/made"
	want 0 keys list --json
	jq -S . "$S/out" | cmp - "$S/made"
	want 0 keys create plain
	want 0 keys list --json
	json_all 'length == 2 and map(.name) == ["ci","plain"] and .[1].notebooks == [] and .[1].tokens_per_day == null'
	want 0 keys list --json --kind quivr
	json_all 'length == 1'
}

@test "a key of kind beyond is for the notebook in use and has a rate" {
	want 0 notebook create manuals
	make_key kiosk --kind beyond -n manuals
	[[ $SECRET =~ ^br_key_[A-Za-z0-9_-]{43}$ ]]
	want 0 keys show kiosk --json
	json '.rates == ["100/hour"] and .notebooks[0].name == "manuals" and .scopes == ["query"]'
	says 0 allowed --for manuals --kind beyond
	says 12 "may not use this notebook" --for default
	says 12 "for another API" --kind quivr
	want 129 keys create two --kind beyond --for manuals --for default
	err_has "exactly one notebook"
	EXTRA=(EXTERNAL_API_DEFAULT_RATE_LIMIT=7/minute)
	want 0 keys create k2 --kind beyond --json
	json '.rates == ["7/minute"]'
	EXTRA=(EXTERNAL_API_DEFAULT_RATE_LIMIT=often)
	want 129 keys create k3 --kind beyond
	err_has "auth.developer_rate"
	EXTRA=()
	want 0 notebook delete manuals -y
	want 0 keys show kiosk
	out_has "(deleted)"
	want 0 notebook create manuals # the same name, another notebook
	says 12 "may not use this notebook" --for manuals
}

@test "a key of kind baiyuan belongs to tenants" {
	want 129 keys create t --kind baiyuan
	err_has "tenant"
	want 129 keys create t --kind baiyuan --tenant acme
	err_has "'acme' is not a UUID"
	make_key t --kind baiyuan --tenant 11111111-1111-1111-1111-11111111111a
	says 0 allowed --tenant 11111111-1111-1111-1111-11111111111A
	says 12 "another tenant" --tenant 22222222-2222-2222-2222-222222222222
	want 0 keys show t --json
	json '.tenants == ["11111111-1111-1111-1111-11111111111a"] and (.scopes | index("admin") == null and index("wiki:write") != null)'
}

@test "a wrong key, no key, and a key that is too long" {
	make_key k
	SECRET=${SECRET%?}$([ "${SECRET: -1}" = A ] && echo B || echo A)
	says 12 "this key is not known"
	want_in 12 "" keys check
	err_has "no key was given"
	want_in 14 "$(printf 'x%.0s' {1..600})" keys check
	want_in 128 'a\0b' keys check
	want_in 12 "nonsense" keys check --json
	json '.allowed == false and .reason == "unknown" and .http == 401 and .id == null'
	err_empty
}

@test "expiry, to the second" {
	make_key k --expires 60
	LATER=59 says 0 allowed
	LATER=60 says 12 "this key has expired"
	EXTRA=(BR_CLOCK=1700000060)
	want 0 keys list
	out_has expired
	EXTRA=()
	want 0 keys set k --expires never
	LATER=60000000 says 0 allowed
	want 0 keys set k --expires 2023-11-15T00:00:00Z
	want 0 keys show k --json
	json '.expires == "2023-11-15T00:00:00Z"'
	want 129 keys set k --expires 2020-01-01
	err_has "not in the future"
	want 129 keys set k --expires soon
	err_has "'soon'"
	want 129 keys set k --expires 99999999999999999d
}

@test "disable and enable" {
	make_key k
	want 0 keys disable k
	says 12 "this key is disabled"
	want 0 keys list
	out_has disabled
	want 0 keys enable k
	says 0 allowed
	want 0 keys create asleep --disabled --json
	json '.state == "disabled"'
}

@test "revoke is for good; the key stays on record" {
	make_key k
	want 0 keys revoke k
	says 12 "this key was revoked"
	want 0 keys enable k
	says 12 "this key was revoked"
	want 12 keys rotate k
	err_has "revoked"
	out_empty
	want 0 keys list
	out_lacks k
	want 0 keys list --all
	out_has revoked
	want_in 12 "$SECRET" keys check --json
	json '.reason == "revoked" and .http == 403'
}

@test "rotate: both secrets work in the overlap, then the new one alone" {
	make_key k
	local old=$SECRET new
	want 0 keys rotate k --grace 1h
	new=$(cat "$S/out")
	echo "$new" >>"$S/secrets"
	[ "$old" != "$new" ]
	SECRET=$new says 0 allowed
	LATER=3599 says 0 allowed
	LATER=3600 says 12 "this key was revoked"
	SECRET=$new LATER=3600 says 0 allowed
	want 0 keys show k --json
	json '.secrets | map(.state) == ["overlap","current"] and .[0].until == "2023-11-14T23:13:20Z"'
	want 0 keys revoke k --old
	says 12 "this key was revoked"
	SECRET=$new says 0 allowed
	want 0 keys rotate k --json
	json '(.secret | length == 46) and (.secrets | length == 3)'
	SECRET=$new says 12 "this key was revoked"
}

@test "addresses" {
	make_key k --from 10.0.0.0/8 --from ::1
	says 0 allowed --address 10.1.2.3
	says 0 allowed --address ::ffff:10.1.2.3
	says 0 allowed --address ::1
	says 12 "from this address" --address 11.1.2.3
	says 12 "from this address" --address ::2
	want_in 129 "$SECRET" keys check --address here
	want 0 keys set k --from any
	says 0 allowed --address 11.1.2.3
	want 129 keys set k --from 10.0.0.1/8
	err_has "did you mean 10.0.0.0/8?"
	want 129 keys create x --from example.org
}

@test "scopes" {
	make_key k
	says 0 allowed --scope query
	says 12 "lacks the scope" --scope query,kb:read
	want 0 keys set k --scope kb:read,ingest
	says 0 allowed --scope documents:write
	says 12 "lacks the scope" --scope query
	want 0 keys set k --scope admin
	says 0 allowed --scope webhooks:manage,kb:write
	want 129 keys set k --scope all
	err_has "'all' is not one of query, kb:read"
}

@test "rates and budgets" {
	make_key k --rate 10/minute --tokens-per-day 5
	want 0 keys set k --rate 5/second --rate 1000/day --tokens-per-day 0 --tokens-per-month 7
	want 0 keys show k --json
	json '.rates == ["5/second","1000/day"] and .tokens_per_day == null and .tokens_per_month == 7'
	want 0 keys show k
	out_has "5/second"
	want 0 keys set k --rate none
	want 0 keys show k --json
	json '.rates == [] and .tokens_per_month == 7'
	want 129 keys set k --rate 5
	err_has "not of the form 100/hour"
	want 129 keys set k --rate 0/hour
	want 129 keys set k --rate 5/week
	err_has "'week' is not one of"
	want 129 keys set k --rate 5/hour --rate 6/hour
	err_has "same period"
	want 129 keys set k --tokens-per-day=-1
	want 0 keys usage k
	out_has requests
	want 0 keys usage k --json --days 7
	json '.v == 1 and .name == "k" and .days == [] and .requests == 0 and .tokens_today == 0 and .last_used == null'
	want 129 keys usage k --days 0
}

@test "profiles tell of old secrets and of missing networks" {
	make_key k
	want 0 keys show k
	err_empty
	EXTRA=(BR_PROFILE=production BR_CLOCK=$((1700000000 + 31 * 86400)))
	want 0 keys show k
	err_has "31 days old; profile production wants a new one every 30"
	err_has "from any address"
	want 0 keys usage k
	err_has "31 days old"
	EXTRA=(BR_PROFILE=staging BR_CLOCK=$((1700000000 + 31 * 86400)))
	want 0 keys show k
	err_empty
	EXTRA=()
}

@test "set changes what is named and nothing else" {
	make_key k --scope query --rate 5/second --from 10.0.0.0/8 --owner ann
	want 0 keys show k --json
	jq -S 'del(.name,.changed)' "$S/out" >"$S/before"
	want 0 keys set k --name renamed
	out_empty
	want 0 keys show renamed --json
	jq -S 'del(.name,.changed)' "$S/out" | cmp - "$S/before"
	want 1 keys show k
	err_has "no key 'k'"
	want 129 keys set renamed --name ''
	want 129 keys set renamed --name "$(printf 'x%.0s' {1..201})"
	want 1 keys set renamed --for nowhere
	want 0 keys set renamed --for default
	says 0 allowed --for default
	want 0 keys set renamed --for all
	want 0 keys show renamed --json
	json '.notebooks == []'
}

@test "delete asks; ids, names and beginnings of ids" {
	make_key k
	local id
	want 0 keys show k --json
	id=$(jq -r .id "$S/out")
	want 0 keys show "$id"
	want 0 keys show "${id:0:8}"
	want 1 keys show "${id:0:5}"
	want 0 keys create twin
	want 0 keys create twin
	want 129 keys show twin
	err_has "'twin' stands for 2 keys; use an id"
	want 129 keys delete k
	err_has "nobody said yes"
	says 0 allowed
	want 0 keys delete k -y
	says 12 "this key is not known"
	want 1 keys delete k -y
	want 1 keys revoke k
	want 1 keys rotate k
	want 1 keys enable k
	want 1 keys usage k
}

@test "no secret is on disk, in a log or in a message, after every operation" {
	make_key one --scope admin
	make_key two --kind beyond
	make_key three --kind baiyuan --tenant 11111111-1111-1111-1111-111111111111
	make_key four --kind quivr
	for key in one two three four; do
		want 0 keys rotate $key --grace 1h -v
		cat "$S/out" >>"$S/secrets"
		cat "$S/err" >>"$S/all"
		want 0 keys set $key --rate 1/day -v
		cat "$S/out" "$S/err" >>"$S/all"
		want 0 keys show $key
		cat "$S/out" >>"$S/all"
		want 0 keys list -v --json
		cat "$S/out" "$S/err" >>"$S/all"
	done
	want 0 keys revoke three -v
	want 0 keys delete four -y
	want 12 keys rotate three -v
	cat "$S/out" "$S/err" >>"$S/all"
	SECRET=$(tail -1 "$S/secrets")
	says 12 "this key is not known" -v
	cat "$S/out" "$S/err" >>"$S/all"
	want 0 gc
	[ "$(wc -l <"$S/secrets")" -eq 8 ]
	sed 's/^[a-z_]*_//; s/^\(.\{4\}\)//' "$S/secrets" | cut -c1-20 >"$S/parts" # behind what is shown
	! grep -rqaFf "$S/parts" .br "$S/all" "$S/home" || fails_with "a secret was kept"
	echo "x$(head -1 "$S/parts")y" >"$S/w/.br/tmp/probe"
	grep -rqaFf "$S/parts" .br || fails_with "this test finds nothing"
	rm "$S/w/.br/tmp/probe"
	want 0 verify
}

@test "a disk that is full where the secret should go is an error" {
	full_disk keys create lost
	want 0 keys list --json
	json '.name == "lost"'
}
