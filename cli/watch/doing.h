// What a process does right now, for people: "main thread waits in pthread_join; worker sleeps in nanosleep".
#ifndef GORDIAN_CLI_WATCH_DOING_H_
#define GORDIAN_CLI_WATCH_DOING_H_

#include <string>

#include "cli/watch/process_tree.h"
#include "cli/watch/trace_set.h"

namespace gordian::cli {

std::string WhatItDoes(const SeenProcess& process, const TraceSet& traces);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_DOING_H_
