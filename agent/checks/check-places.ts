/** The files and folders by which a client shows whether it has checks of its own. */
import { existsSync } from 'node:fs';

export const nvidiaSmi = '/usr/bin/nvidia-smi';

/** Returns the existing folders with conf files: of the machine, and of the account. */
export function checkFolders(env: NodeJS.ProcessEnv, root = ''): string[] {
  const home = env['HOME'];
  const own = home?.startsWith('/') === true ? [`${home}/.config/fleet-health/checks.d`] : [];
  return [`${root}/etc/fleet-health/checks.d`, ...own].filter((folder) => existsSync(folder));
}
