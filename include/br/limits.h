/*
 * limits - every limit, named, in one place. What comes in from outside is bounded by one of these;
 * going over one is an error that names it.
 */
#ifndef BR_LIMITS_H
#define BR_LIMITS_H

/* files and documents */
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

/* names, settings */
#define BR_MAX_NOTEBOOK_NAME 128
#define BR_MAX_CONFIG        (1u << 20)

/* vector indexes */
#define BR_MAX_VINDEX_JSON   (16u << 10)  /* bytes of the description beside an index file */

/* the extraction helper */
#define BR_EXTRACT_MEMORY    (2ull << 30) /* address space of br-extract, bytes */
#define BR_EXTRACT_CPU       20           /* seconds of processor time for one document */
#define BR_EXTRACT_WALL      60           /* seconds by the clock for one document */
#define BR_EXTRACT_NESTING   256          /* elements within elements that are followed */

/* the server */
#define BR_SERVE_CONNS       16384        /* open connections; more are turned away with 503 */
#define BR_SERVE_PER_ADDRESS 1024         /* open connections of one address that is not our own */
#define BR_SERVE_TARGET      (8u << 10)   /* bytes of a request line */
#define BR_SERVE_HEAD        (32u << 10)  /* bytes of a request's head */
#define BR_SERVE_HEADERS     100          /* header lines of a request */
#define BR_SERVE_PARAMS      256          /* parameters of a query string */
#define BR_SERVE_JSON_BODY   (1u << 20)   /* bytes of a JSON body, where the route names no limit of its own */
#define BR_SERVE_UPLOAD      (4ull << 30) /* bytes of an upload, where the route names no limit of its own */
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
#define BR_SERVE_PING_TIME   15           /* seconds of silence after which an event stream gets a comment */

/* JSON read from outside */
#define BR_MAX_JSON          (64u << 20)
#define BR_MAX_JSON_DEPTH    128

#endif
