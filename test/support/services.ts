import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether tests that call these commands are to be skipped: one of them is not on this machine. With
 * AEGIS_TEST_REQUIRE_SERVICES=1 nothing is skipped, so that an absent command is a failure:
 * `describe.skipIf(lacks('prometheus', 'promtool'))('…')`.
 */
export function lacks(...commands: readonly string[]): boolean {
  return process.env.AEGIS_TEST_REQUIRE_SERVICES !== '1' && !commands.every(isInstalled);
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
