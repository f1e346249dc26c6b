import { lists } from './lists.ts';
import { machines } from './machines.ts';
import { mails } from './mails.ts';
import { outputs } from './outputs.ts';
import { sshFiles } from './ssh-files.ts';
import type { Subject } from './subject.ts';
import { systemFiles } from './system-files.ts';
import { xmlFiles } from './xml-files.ts';
import { zones } from './zones.ts';

/** All subjects, in the order in which they run. */
export const subjects: readonly Subject[] = [machines, sshFiles, mails, lists, xmlFiles, outputs, systemFiles, zones];
