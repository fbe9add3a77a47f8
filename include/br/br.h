/* br - every public header. */
#ifndef BR_BR_H
#define BR_BR_H

#include "br/ann.h"
#include "br/answer.h"
#include "br/auth.h"
#include "br/base.h"
#include "br/bits.h"
#include "br/chunk.h"
#include "br/config.h"
#include "br/corpus.h"
#include "br/embed.h"
#include "br/enhance.h"
#include "br/eval.h"
#include "br/fts.h"
#include "br/health.h"
#include "br/hook.h"
#include "br/jobs.h"
#include "br/json.h"
#include "br/keep.h"
#include "br/llm.h"
#include "br/net.h"
#include "br/os.h"
#include "br/remote.h"
#include "br/retrieve.h"
#include "br/rx.h"
#include "br/server.h"
#include "br/store.h"
#include "br/text.h"
#include "br/wiki.h"
#include "br/ws.h"

#endif
