#!/usr/bin/env bats
# br tenant: made, listed, changed, given a secret, deleted with what belongs to it.
load lib
prepare() { br init -q; }

ID=11111111-2222-4333-8444-555555555555

@test "create prints the id, and with --key the secret of a key that is for this tenant alone" {
	want 0 tenant create acme
	[[ $(cat "$S/out") =~ ^[0-9a-f-]{36}$ ]] || fails_with "not an id"
	err_has "makes a key"
	want 0 tenant create beta --id ${ID^^} --key shop -q
	[ "$(sed -n 1p "$S/out")" = $ID ] || fails_with "not the id that was asked for"
	[[ $(sed -n 2p "$S/out") =~ ^rag_ ]] || fails_with "no secret"
	SECRET=$(sed -n 2p "$S/out")
	want 0 keys show shop --json
	json '.kind == "baiyuan" and .tenants == ["'$ID'"]'
	want_in 0 "$SECRET\n" keys check --kind baiyuan --tenant $ID
	want_in 12 "$SECRET\n" keys check --kind baiyuan --tenant 00000000-0000-4000-8000-000000000000
}

@test "create refuses names and ids that are taken or make no sense" {
	want 0 tenant create acme --id $ID
	want 128 tenant create acme
	err_has "already"
	want 128 tenant create other --id $ID
	want 129 tenant create other --id nonsense
	want 129 tenant create $ID
	want 129 tenant create ""
}

@test "list and show" {
	want 0 tenant list
	out_empty
	want 0 tenant create acme --id $ID
	want 0 tenant create beta
	want 0 tenant list --json
	json_all 'length == 2 and all(.[]; .enabled) and ([.[].name] | sort) == ["acme", "beta"]'
	for name in acme $ID; do
		want 0 tenant show $name --json
		json '.id == "'$ID'" and .name == "acme" and .rate == 600 and .memory == 12 and .knowledge_bases == 0 and .has_secret == false'
	done
	want 0 tenant show acme
	out_has "600 a minute"
	want 1 tenant show nobody
	err_has "no tenant 'nobody'"
}

@test "set, enable, disable" {
	want 0 tenant create acme
	want 0 tenant create beta
	want 0 tenant set acme --rate 5 --memory 20 --handoff-timeout 2m --name shop
	want 0 tenant show shop --json
	json '.rate == 5 and .memory == 20 and .handoff_timeout == 120 and .name == "shop"'
	want 0 tenant set shop
	want 0 tenant show shop --json
	json '.rate == 5'
	want 128 tenant set shop --name beta
	want 129 tenant set shop --rate 0
	want 0 tenant disable shop
	want 0 tenant show shop --json
	json '.enabled == false'
	want 0 tenant enable shop
	want 0 tenant show shop
	out_has enabled
}

@test "secret: a new one, one from standard input, none" {
	want 0 tenant create acme
	want 0 tenant secret acme
	[[ $(cat "$S/out") =~ ^[A-Za-z0-9_-]{43}$ ]] || fails_with "not a secret"
	want_in 0 'push-secret\n' tenant secret acme --stdin
	out_empty
	want 0 tenant show acme --json
	json '.has_secret'
	out_lacks push-secret
	want 128 tenant secret acme --stdin
	want 0 tenant secret acme --clear
	out_empty
	want 0 tenant show acme --json
	json '.has_secret == false'
}

@test "keys take tenants by name and keep their ids" {
	want 0 tenant create acme --id $ID
	want 0 keys create k --kind baiyuan --tenant acme
	want 0 keys show k --json
	json '.tenants == ["'$ID'"]'
	want 129 keys set k --tenant nobody-yet
	want 0 tenant create beta
	want 0 keys set k --tenant acme --tenant beta
	want 0 keys show k --json
	json '.tenants | length == 2'
}

@test "delete takes the knowledge bases along, and asks first" {
	want 0 tenant create acme --id $ID
	want 0 notebook create shop
	want 0 notebook set -n shop tenant $ID
	want 0 tenant show acme --json
	json '.knowledge_bases == 1'
	want 129 tenant delete acme
	err_has "nobody said yes"
	want 0 tenant delete acme --yes
	want 1 notebook show shop
	want 1 tenant show acme
	want 0 verify
}
