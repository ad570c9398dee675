// The subcommands: each adds itself to the command line, in the file of its name.
#ifndef GORDIAN_CLI_COMMANDS_H_
#define GORDIAN_CLI_COMMANDS_H_

#include "cli/command_line.h"

namespace gordian::cli {

void RegisterRun(CommandParser* line);
void RegisterReport(CommandParser* line);
void RegisterCheck(CommandParser* line);
void RegisterBaseline(CommandParser* line);
void RegisterDiff(CommandParser* line);
void RegisterConfirm(CommandParser* line);
void RegisterHunt(CommandParser* line);
void RegisterAttach(CommandParser* line);
void RegisterCore(CommandParser* line);
void RegisterPs(CommandParser* line);
void RegisterDoctor(CommandParser* line);
void RegisterExplain(CommandParser* line);
// What is told of the others.
void RegisterCompletion(CommandParser* line);
void RegisterManual(CommandParser* line);
// Which the shim starts for a program that has nothing but LD_PRELOAD.
void RegisterWatch(CommandParser* line);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_COMMANDS_H_
