// A library with nothing in it: opening it costs what opening any library costs.
int bench_module_value(void);
int bench_module_value(void) { return 1; }
