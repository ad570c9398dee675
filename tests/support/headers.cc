// Carries the precompiled headers of all unit tests; see CMakeLists.txt.
