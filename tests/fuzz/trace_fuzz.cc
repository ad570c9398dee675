// libFuzzer target: any bytes are a trace. Configure with clang and -DGORDIAN_FUZZ=ON, then run
//   tests/trace_fuzz -max_len=65536
#include <cstddef>
#include <cstdint>
#include <string>

#include "libsync/trace/reader.h"
#include "tests/support/trace_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  std::string why;
  // As a whole file, and, since few inputs get past a header, as what follows a good one.
  gordian::trace::ParseProcess(input, &why);
  gordian::trace::TraceBytes trace;
  trace.AddRaw(input);
  gordian::trace::ParseProcess(trace.Bytes(), &why);
  return 0;
}
