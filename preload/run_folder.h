// Where a run's traces lie, for an image that no `gordian run` has told: the folder of the run that it
// belongs to, or a new one.
#ifndef GORDIAN_PRELOAD_RUN_FOLDER_H_
#define GORDIAN_PRELOAD_RUN_FOLDER_H_

#include <cstdint>

namespace gordian::preload {

// Makes a folder for this user alone; true also when it is there already.
bool MakeOwnFolder(const char* path);

// Makes g_config.run_directory, named after this process, and g_config.drop_directory.
bool MakeRunFolder();
void MakeDropFolder();

// Finds the folder of the run that this process, or an ancestor of it, began or is watching. A program that
// gives its child LD_PRELOAD but not GORDIAN_OPTIONS does not mean to have it watched twice.
bool FindRunOfAncestors();

// When this process began, in ticks after boot; 0 where /proc does not tell.
uint64_t OwnStartTicks();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_RUN_FOLDER_H_
