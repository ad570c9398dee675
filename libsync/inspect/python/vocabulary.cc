#include "libsync/inspect/python/vocabulary.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "libsync/inspect/python/library.h"
#include "libsync/trace/interpreters.h"

namespace gordian::inspect::python {
namespace {

// Functions of the standard library that wait (CPython 3.8 to 3.13, Lib/).
struct Waiting {
  std::string_view file;
  std::string_view function;
  std::string_view what;  // before the type and the name of the object; empty: that alone
  bool of_self = true;    // an object is waited for
};

constexpr Waiting kWaiting[] = {
    {"threading.py", "Condition.wait", "a notify() of"},
    {"threading.py", "Event.wait", ""},
    {"threading.py", "Semaphore.acquire", "a release() of"},
    {"threading.py", "Barrier.wait", "the other threads at"},
    {"threading.py", "_shutdown", "the end of the threads that are no daemons, to end the interpreter",
     false},
    {"queue.py", "Queue.get", "an item of"},
    {"queue.py", "Queue.put", "room in"},
    {"queue.py", "Queue.join", "a task_done() for each item of"},
    {"concurrent/futures/_base.py", "Future.result", "the result of"},
    {"concurrent/futures/_base.py", "Future.exception", "the result of"},
    {"concurrent/futures/_base.py", "wait", "the results of futures", false},
    {"concurrent/futures/thread.py", "_worker", "a task for its ThreadPoolExecutor", false},
    {"concurrent/futures/process.py", "_process_worker", "a task for its ProcessPoolExecutor", false},
    {"concurrent/futures/process.py", "_ExecutorManagerThread.run",
     "a result of a worker of its ProcessPoolExecutor", false},
    {"multiprocessing/pool.py", "ApplyResult.get", "a result of its Pool", false},
    {"multiprocessing/pool.py", "ApplyResult.wait", "a result of its Pool", false},
    {"multiprocessing/pool.py", "IMapIterator.next", "a result of its Pool", false},
    {"multiprocessing/pool.py", "Pool._handle_workers", "the end of a worker of its Pool", false},
    {"multiprocessing/pool.py", "Pool._handle_tasks", "tasks for its Pool", false},
    {"multiprocessing/pool.py", "Pool._handle_results", "a result of a worker of its Pool", false},
    {"multiprocessing/pool.py", "worker", "a task of its Pool", false},
    {"multiprocessing/queues.py", "Queue._feed", "an item to send", false},
    {"multiprocessing/queues.py", "Queue._finalize_join", "the feeder of its Queue to send what was put",
     false},
    {"multiprocessing/queues.py", "Queue.get", "an item of"},
    {"multiprocessing/queues.py", "SimpleQueue.get", "an item of"},
    {"multiprocessing/queues.py", "Queue.put", "room in"},
    {"multiprocessing/queues.py", "JoinableQueue.join", "a task_done() for each item of"},
    {"multiprocessing/connection.py", "_ConnectionBase.recv", "a message of"},
    {"multiprocessing/connection.py", "_ConnectionBase.recv_bytes", "a message of"},
    {"multiprocessing/connection.py", "_ConnectionBase.send", "the reader of"},
    {"multiprocessing/connection.py", "_ConnectionBase.send_bytes", "the reader of"},
    {"multiprocessing/connection.py", "wait", "one of several connections or processes", false},
    {"multiprocessing/managers.py", "BaseProxy._callmethod", "an answer of its Manager", false},
    {"multiprocessing/managers.py", "Server.serve_client", "a request of a client of the Manager", false},
    {"multiprocessing/managers.py", "Server.accepter", "a new client of the Manager", false},
    {"subprocess.py", "Popen.communicate", "the output and the end of its command", false},
    {"asyncio/base_events.py", "BaseEventLoop._run_once", "a task of its event loop that can go on", false},
};

// Only versions from 3.11 on tell the class. Before, the file and the function have to do.
bool Fits(const Waiting& row, const trace::Frame& frame) {
  const std::string_view plain = row.function.substr(row.function.rfind('.') + 1);
  return IsLibraryFunction(frame, row.file, row.function) ||
         (frame.script->function == plain && IsLibraryFunction(frame, row.file, plain));
}

}  // namespace

// The outermost of the library's frames is what the program called.
std::string WhatIsAwaited(pid_t inner_tid, Interpreter* interpreter, Variables* variables) {
  std::string what;
  for (const Interpreter::Frame& frame : interpreter->FramesOf(inner_tid)) {
    const trace::Frame described = interpreter->Describe(frame);
    if (!trace::IsPythonLibrary(described.script->file)) {
      break;
    }
    const uint64_t self = variables->Self(frame);
    const std::string& type = variables->objects().TypeName(self);
    // Of the versions that tell no class, "wait" of threading.py is that of several.
    const auto* row = std::find_if(std::begin(kWaiting), std::end(kWaiting), [&](const Waiting& candidate) {
      const bool has_class = candidate.function.find('.') != std::string_view::npos;
      const bool of_class = !candidate.of_self || !has_class || candidate.function.starts_with(type + ".") ||
                            described.script->function == candidate.function;
      return Fits(candidate, described) && of_class;
    });
    if (row == std::end(kWaiting)) {
      continue;
    }
    what = row->what;
    if (row->of_self) {
      const std::string name = variables->NameOf(self, inner_tid);
      what += (what.empty() ? "" : " ") + type + (name.empty() ? "" : " " + name);
    }
  }
  return what;
}

}  // namespace gordian::inspect::python
