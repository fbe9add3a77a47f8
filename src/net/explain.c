/*
 * What libcurl's failures are called, and which of them may pass when it is tried again.
 */
#include "internal.h"

int br_net__explain(bool *again, const struct br_net__curl *c, CURLcode code, const char *host, const char *why, struct br_err *err)
{
	why = why[0] ? why : c->easy_strerror(code);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return br_fail(err, BR_EIO, "cannot find host '%s'", host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return br_fail(err, BR_EIO, "cannot find the proxy for '%s'", host);
	case CURLE_OPERATION_TIMEDOUT:
		*again = true;
		return br_fail(err, BR_ETIMEOUT, "'%s' takes too long: %s", host, why);
	case CURLE_PEER_FAILED_VERIFICATION:
		return br_fail(err, BR_EIO, "'%s' does not prove that it is who it says: %s", host, why);
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		*again = true;
		break;
	default:
		break;
	}
	return br_fail(err, BR_EIO, "cannot read from '%s': %s", host, why);
}
