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

/* answers and conversations */
#define BR_MAX_PASSAGES      50           /* that a language model gets */
#define BR_MAX_PROMPT        (256u << 10) /* bytes of what a language model is told */
#define BR_MAX_REPLY         (1u << 20)   /* bytes of what it answers */
#define BR_MAX_MESSAGE       (1u << 20)   /* bytes of one message, and of its citations */
#define BR_MAX_CHAT_TITLE    256          /* bytes */
#define BR_MAX_COMMENT       (16u << 10)  /* bytes of a comment on a message */
#define BR_MAX_HISTORY       50           /* messages of a conversation that a language model sees */
#define BR_MAX_CACHED        1000         /* answers kept of one notebook */
#define BR_MAX_ASKED         10000        /* past questions kept of one notebook */

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

/* JSON read from outside */
#define BR_MAX_JSON          (64u << 20)
#define BR_MAX_JSON_DEPTH    128

#endif
