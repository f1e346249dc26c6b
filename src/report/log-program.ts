/** The awk program that reads logs, see agent/capture/log.awk. The build inserts its text in place of this file. */
import { linesOf } from './shorten-script.ts';

export const logProgram = [
  ...['log', 'log-lines'].flatMap((name) => linesOf(`agent/capture/${name}.awk`, '#')),
  'BEGIN { byteCodes(); ROOT = ENVIRON["fh_root"]; logs() }',
].join('\n');
