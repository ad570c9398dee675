# One function per kind of target, so that flags have one home.

set(GORDIAN_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wformat=2)
if(GORDIAN_WERROR)
  list(APPEND GORDIAN_WARNINGS -Werror)
endif()

# Code that runs in Gordian's own processes: sanitized in the sanitizer presets. Functions and lines are what its stacks
# need; the debug information of variables is a third of the time that it takes to compile (the debug preset has it).
function(gordian_own_code target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_options(${target} PRIVATE ${GORDIAN_WARNINGS} $<$<CONFIG:RelWithDebInfo>:-g1>)
  if(GORDIAN_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${GORDIAN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${GORDIAN_SANITIZE})
  endif()
endfunction()

# Code that runs in somebody else's process: never sanitized, nothing visible but the hooks, no C++ runtime.
# -fno-exceptions: a hook keeps no object alive across a call that can be cancelled, so no frame of ours needs
# a personality routine; the unwind tables alone let a cancelled thread pass. initial-exec because
# __tls_get_addr may allocate.
function(gordian_injected_code target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  # A hook is a public entry under a private name: it has no declaration elsewhere.
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:${GORDIAN_WARNINGS};-fvisibility-inlines-hidden;-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>"
    -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector -fasynchronous-unwind-tables -O2)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()
