import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Element } from '../../config/xml/parse-elements.ts';
import { checkStateFolder } from '../../state/state-folder.ts';
import { statePaths } from '../../state/paths.ts';

/** Returns the configuration of `serve` if there is no config.xml: events, with every default. */
export function usualSettings(file: string): Config {
  const place = path.resolve(file);
  const source = { shown: file, path: place, order: 0, mode: 0o600, uid: 0, gid: 0 };
  const element = (name: string, children: Element[]): Element => ({
    name,
    source,
    line: 1,
    attributes: {},
    children,
    faulty: false,
  });
  const root = element('config', [element('serve', [element('events', [])])]);
  const config = loadConfig({
    file,
    tree: { root, sources: [], digest: '', includes: false },
    checkPermissions: false,
  });
  checkStateFolder(statePaths(config.stateDir));
  return config;
}
