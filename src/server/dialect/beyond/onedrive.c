/* O1 to O3: OneDrive, which is never connected here. */
#include "beyond.h"

static int status(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j = br_reply(r, 0);

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_kbool(j, "connected", false);
	br_json_knull(j, "user_email");
	br_json_kstr(j, "provider", "sharepoint");
	br_json_end(j);
	return 0;
}
static const struct br_field status_out[] = { { "connected", MUST(BOOL) }, { "user_email", MAY_NULL(STR) }, { "provider", MUST(STR) }, BR_FIELD_END };
static const struct br_shape status_shape = { "BeyondOneDrive", status_out, 0 };

static int folders(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return br_req_fail(r, 400, err, BR_EUSAGE, "OneDrive is not connected");
}

static int import(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return br_req_fail(r, 409, err, BR_EEXISTS, "OneDrive is not connected");
}

struct folders_in { const char *id; };
static const struct br_field folders_in[] = {
	{ "folder_id", BR_FAT_STR(struct folders_in, id), .in = BR_IN_QUERY, .max = 1000, .dflt = "root" }, BR_FIELD_END,
};
static const struct br_field item_out[] = { { "id", MUST(STR) }, { "name", MUST(STR) }, { "type", MUST(STR) }, BR_FIELD_END };
static const struct br_shape item_shape = { "BeyondOneDriveItem", item_out, 0 };
static const struct br_field folders_out[] = {
	{ "folder_id", MUST(STR) }, { "folder_name", MUST(STR) }, { "items", MUST(ARR), .shape = &item_shape }, BR_FIELD_END,
};
static const struct br_shape folders_shape = { "BeyondOneDriveFolder", folders_out, 0 };

static const short usage[] = { 400, 0 }, conflict[] = { 409, 0 };
static const struct br_route rows[] = {
	{ "GET", "/api/onedrive/status", "beyond_onedrive", "Whether OneDrive is connected", "onedrive", BR_LEVEL_USER, .out = &status_shape,
	  .flags = BR_ROUTE_INLINE, .run = status },
	{ "GET", "/api/onedrive/folders", "beyond_onedrive_folders", "A folder of OneDrive", "onedrive", BR_LEVEL_USER, .in = folders_in,
	  .in_size = sizeof(struct folders_in), .out = &folders_shape, .fails = usage, .run = folders },
	{ "POST", "/api/onedrive/import", "beyond_onedrive_import", "Import from OneDrive", "onedrive", BR_LEVEL_ADMIN, .body = BR_BODY_JSON,
	  .fails = conflict, .flags = BR_ROUTE_MAY_BODY, .run = import },
};
const struct br_routes br_beyond__onedrive_rows = { rows, BR_COUNT(rows) };
