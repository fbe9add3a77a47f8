/*
 * limits - every limit, named, in one place. What comes in from outside is bounded by one of these;
 * going over one is an error that names it.
 */
#ifndef BR_LIMITS_H
#define BR_LIMITS_H

/* files and documents */
#define BR_MAX_OBJECT        (16ull << 30) /* bytes of a stored original; over BR_MAX_FILE it can be kept, but not indexed */
#define BR_MAX_FILE          (256u << 20) /* bytes of one source file */
#define BR_MAX_TEXT          (128u << 20) /* bytes of extracted text of one document */
#define BR_MAX_BLOCKS        (4u << 20)   /* structure blocks of one document */
#define BR_MAX_CHUNKS        (1u << 20)   /* chunks of one document */
#define BR_MAX_TITLE         512          /* bytes kept of a title */
#define BR_MAX_HEADING       256          /* bytes kept of one heading */
#define BR_MAX_HEADING_DEPTH 8
#define BR_MAX_PATH          4096         /* bytes of a document's path or name */
#define BR_MAX_WALK_DEPTH    128          /* folders within folders */
#define BR_MAX_IGNORE_FILE   (1u << 20)
#define BR_MAX_META          (64u << 10)  /* bytes of one document's metadata, as JSON */
#define BR_MAX_NDJSON_LINE   (16u << 20)  /* bytes of one record of --ndjson input */

/* text */
#define BR_MAX_TOKEN         64           /* bytes of an index term; longer ones are cut by hash */
#define BR_MAX_WORD          256          /* bytes of a run taken as one word */

/* questions */
#define BR_MAX_QUERY         8192         /* bytes of a question */
#define BR_MAX_QUERY_TERMS   256          /* terms that are looked up; the rarest stay */
#define BR_MAX_TOP           1000         /* hits of one question */

/* backup, export */
#define BR_MAX_BACKUP_LIST   (256u << 20) /* bytes of a backup's list of checksums */
#define BR_MAX_BRX_SECTION   (192u << 20) /* bytes of one section of an export, unpacked */
#define BR_MAX_BRX_VECTORS   (1u << 30)   /* bytes of the vectors of one section's passages */
#define BR_MAX_BRX_DOCS      4096         /* documents of one section */

/* answers and conversations */
#define BR_MAX_PASSAGES      50           /* that a language model gets */
#define BR_MAX_PROMPT        (256u << 10) /* bytes of what a language model is told */
#define BR_MAX_REPLY         (1u << 20)   /* bytes of what it answers */
#define BR_MAX_MESSAGE       (1u << 20)   /* bytes of one message, and of its citations */
#define BR_MAX_CHAT_TITLE    256          /* bytes */
#define BR_MAX_COMMENT       (16u << 10)  /* bytes of a comment on a message */
#define BR_MAX_EXPLORE_STEPS 8            /* times that kb_explorer asks its language model */
#define BR_MAX_EXPLORE_TOKENS 40000       /* of all these times, prompts and answers: then it asks no more */
#define BR_MAX_EXPLORE_SEEN  200          /* passages that it is shown */
#define BR_MAX_HISTORY       50           /* messages of a conversation that a language model sees */
#define BR_MAX_CACHED        1000         /* answers kept of one notebook */
#define BR_MAX_ASKED         10000        /* past questions kept of one notebook */

/* contexts of passages */
#define BR_MAX_CONTEXT       (4u << 10)   /* bytes of one, and of why there is none */
#define BR_MAX_CONTEXT_READ  (4u << 10)   /* bytes of a passage's neighbour that a language model is shown */
#define BR_MAX_DEFINITIONS   512          /* sentences of one document that are taken for definitions */

/* the wiki */
#define BR_MAX_WIKI_SLUG     100          /* bytes of the name of a page */
#define BR_MAX_WIKI_TITLE    300          /* bytes of its title, category, or one alias */
#define BR_MAX_WIKI_ALIASES  20           /* of one page */
#define BR_MAX_WIKI_TOPICS   1000         /* of one notebook */
#define BR_MAX_WIKI_PLAN     (1u << 20)   /* bytes of a list of topics */
#define BR_MAX_WIKI_BODY     (256u << 10) /* bytes of a page */
#define BR_MAX_WIKI_SOURCES  64           /* passages that a page cites */
#define BR_MAX_WIKI_ERRORS   50           /* findings of lint that are kept of one version */
#define BR_MAX_WIKI_VERSIONS 50           /* kept of one page, the published one besides */
#define BR_MAX_WIKI_PATCHES  200          /* of one page */
#define BR_MAX_WIKI_PATCH    (4u << 10)   /* bytes of what a patch says */
#define BR_MAX_WIKI_CLAIM    200          /* bytes of the id of a claim */
#define BR_MAX_WIKI_PHRASES  (1u << 20)   /* different phrases of titles and headings that are counted for a plan */

/* names, settings */
#define BR_MAX_MODEL_ID      127          /* name of an embedding model, bytes: longer ones are cut */
#define BR_MAX_NOTEBOOK_NAME 128
#define BR_MAX_CONFIG        (1u << 20)
#define BR_MAX_SETTING       (64u << 10)  /* bytes of one setting of a notebook */

/* keys */
#define BR_MAX_KEY_NAME      200          /* bytes of a key's name, owner, or a tenant's name */
#define BR_MAX_KEY_LIST      256          /* notebooks, tenants or addresses of one key */
#define BR_MAX_KEY_RATES     4            /* rate limits of one key */
#define BR_MAX_KEY_SECRETS   16           /* secrets of one key that are remembered, revoked ones included */
#define BR_MAX_SECRET        512          /* bytes of a secret that is looked up; ours have fewer than 64 */
#define BR_MAX_RATE          1000000      /* requests in one period */
#define BR_MAX_KEY_ADDRESSES 1000         /* different addresses counted for a key on one day */
#define BR_MAX_KEYS          100000
#define BR_MAX_JWT           (16u << 10)  /* bytes of a token */
#define BR_MAX_JWKS          (256u << 10) /* bytes of an issuer's key set */
#define BR_MAX_JWKS_KEYS     100
#define BR_JWT_LEEWAY        10           /* seconds that our clock and an issuer's may differ */
#define BR_JWKS_ASKED        3            /* times a minute that tokens with unknown keys have the key set fetched again */
#define BR_JWKS_WAIT         10           /* seconds for fetching a key set */
#define BR_MIN_SECRET        16           /* characters of the setting auth.secret */

/* webhooks */
#define BR_MAX_HOOKS         100          /* webhooks of a workspace */
#define BR_MAX_HOOK_SECRET   256          /* bytes of a webhook's secret */
#define BR_MAX_HOOK_BODY     (256u << 10) /* bytes of one event as it is sent */
#define BR_MAX_HOOK_QUEUE    10000        /* deliveries of one webhook that wait; further events are dropped and logged */
#define BR_MAX_HOOK_INBOX    10000        /* events that wait to be written */
#define BR_HOOK_KEPT         500          /* finished deliveries of one webhook that are kept */
#define BR_HOOK_SENDERS      8            /* deliveries under way at once */
#define BR_HOOK_AT_ONCE      2            /* of these to one webhook */
#define BR_HOOK_EVENT_WAIT   2000         /* milliseconds that whoever tells of an event waits at most for it to be on disk */

/* vector indexes */
#define BR_MAX_VINDEX_JSON   (16u << 10)  /* bytes of the description beside an index file */

/* the extraction helper */
#define BR_EXTRACT_MEMORY    (2ull << 30) /* address space of br-extract, bytes */
#define BR_EXTRACT_CPU       20           /* seconds of processor time for one document */
#define BR_EXTRACT_WALL      60           /* seconds by the clock for one document */
#define BR_EXTRACT_NESTING   256          /* elements within elements that are followed */
#define BR_EXTRACT_PARTS     10000        /* parts of one ZIP container */
#define BR_EXTRACT_PART      (64u << 20)  /* bytes of one part, unpacked */
#define BR_EXTRACT_UNPACKED  (256u << 20) /* bytes of all parts of one document that are read, unpacked */
#define BR_EXTRACT_RATIO     200          /* a part of more than 1 MB may not grow more than that when it is unpacked */
#define BR_EXTRACT_SPREAD    64           /* times a cell or row that says it is repeated is written */
#define BR_EXTRACT_OUTPUT    (1u << 30)   /* bytes read from a tool such as pdftotext */

/* text of pictures */
#define BR_MAX_OCR_PAGES     200          /* pages of one scan */
#define BR_MAX_OCR_SECONDS   600          /* for one scan, by the clock */

/* containers of documents */
#define BR_MAX_MEMBERS       100000       /* members of one container */
#define BR_MAX_MEMBER        (64u << 20)  /* bytes of one member */
#define BR_MAX_UNPACKED      (1u << 30)   /* bytes of all members, those of containers within it included */
#define BR_MAX_NESTED        3            /* containers within containers that are opened: the file itself is the first */
#define BR_MAX_MIME_DEPTH    20           /* parts of a mail within parts */
#define BR_MAX_MIME_PARTS    1000

/* the server */
#define BR_SERVE_CONNS       16384        /* open connections; more are turned away with 503 */
#define BR_SERVE_PER_ADDRESS 1024         /* open connections of one address that is not our own */
#define BR_SERVE_TARGET      (8u << 10)   /* bytes of a request line */
#define BR_SERVE_HEAD        (32u << 10)  /* bytes of a request's head */
#define BR_SERVE_HEADERS     100          /* header lines of a request */
#define BR_SERVE_PARAMS      256          /* parameters of a query string */
#define BR_SERVE_JSON_BODY   (1u << 20)   /* bytes of a JSON body, where the route names no limit of its own */
#define BR_SERVE_UPLOAD      (4ull << 30) /* bytes of an upload, where neither the route nor the setting serve.upload says another */
#define BR_SERVE_PARTS       1000         /* parts of a multipart body */
#define BR_SERVE_PART_HEAD   (8u << 10)   /* bytes of the head of a part */
#define BR_SERVE_FORM_VALUE  (64u << 10)  /* bytes of a form value that is not a file */
#define BR_SERVE_BLOCK       (256u << 10) /* bytes of an upload that are handed on at once */
#define BR_SERVE_RING        (64u << 10)  /* bytes of a stream that wait for a client to read */
#define BR_SERVE_REPLY       (256u << 20) /* bytes of an answer that is built in memory */
#define BR_SERVE_GZIP_FROM   2048         /* answers from so many bytes on are compressed for who asks */
#define BR_SERVE_QUEUE       1024         /* requests that wait for a worker; more get 503 */
#define BR_SERVE_SLOW        512          /* requests that wait for others (models, uploads, streams) at once */
#define BR_SERVE_HEAD_TIME   10           /* seconds for the head of a request, from its first byte */
#define BR_SERVE_IDLE_TIME   75           /* seconds that a connection is kept between two requests */
#define BR_SERVE_BODY_TIME   30           /* seconds for a body, and one more for each BR_SERVE_BODY_RATE bytes that came */
#define BR_SERVE_BODY_RATE   1024
#define BR_SERVE_WRITE_TIME  60           /* seconds without the client reading anything of an answer */
#define BR_SERVE_HISTORY     1000         /* searches that wait for being written into the history */
#define BR_SERVE_LISTENERS   64           /* listeners to events of jobs at once */
#define BR_SERVE_PING_TIME   15           /* seconds of silence after which an event stream gets a comment */

/* JSON read from outside */
#define BR_MAX_JSON          (64u << 20)
#define BR_MAX_JSON_DEPTH    128

/* the network */
#define BR_MAX_URL           4096         /* bytes of a URL */
#define BR_MAX_HTTP_BODY     (64u << 20)  /* bytes of one answer, unpacked */
#define BR_MAX_HTTP_ERROR    (64u << 10)  /* bytes kept of an answer that says no */
#define BR_MAX_HTTP_HEADERS  256          /* headers kept of one answer */
#define BR_MAX_HTTP_HEADER   (16u << 10)  /* bytes of one header */
#define BR_MAX_RETRY_WAIT    60           /* seconds that Retry-After may ask for */
#define BR_MAX_ROBOTS        (500u << 10) /* bytes of a robots.txt that are read */
#define BR_MAX_ROBOTS_RULES  10000
#define BR_MAX_PAGE_LINKS    10000        /* links taken from one page */
#define BR_MAX_CRAWL         100000       /* pages of one crawl */
#define BR_MAX_CRAWL_DELAY   60           /* seconds between two pages that a robots.txt may ask for */

/* model services */
#define BR_MAX_LLM_REQUEST   (64u << 20)  /* bytes of one request */
#define BR_MAX_LLM_REPLY     (64u << 20)  /* bytes of one answer, unpacked */
#define BR_MAX_LLM_TEXT      (4u << 20)   /* bytes of text of one chat answer */
#define BR_MAX_LLM_EVENT     (1u << 20)   /* bytes of one line or event of a stream */
#define BR_MAX_LLM_INBOX     (256u << 10) /* bytes of a stream that wait for their reader, who is then waited for */
#define BR_MAX_LLM_CALLS     64           /* tool calls in one answer */
#define BR_MAX_LLM_KEY       4096         /* bytes of a key */
#define BR_MAX_LLM_KEY_WAIT  60           /* seconds that a key_command may take */
#define BR_MAX_LLM_MODELS    10000        /* models that a service lists */
#define BR_MAX_LLM_DIM       16384        /* dimensions of a service's vectors */
#define BR_MAX_LLM_AT_ONCE   64           /* requests of one caller under way at the same time */
#define BR_MAX_LLM_BATCH     2048         /* texts in one request for embeddings */

#endif
