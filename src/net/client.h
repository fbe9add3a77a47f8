/* net, inside: the client, shared by net.c and http.c. */
#ifndef BR_NET_CLIENT_H
#define BR_NET_CLIENT_H

#include "internal.h"

struct br_net {
	const struct br_net__curl *c;
	struct br_net_rules rules;
	CURL *easy;
	CURLM *multi;
	struct curl_slist *resolve;
	char *agent;
};

#endif
