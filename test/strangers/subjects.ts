import { machines } from './machines.ts';
import { mails } from './mails.ts';
import { sshFiles } from './ssh-files.ts';
import type { Subject } from './subject.ts';
import { xmlFiles } from './xml-files.ts';

/** All subjects, in the order in which they run. */
export const subjects: readonly Subject[] = [machines, sshFiles, mails, xmlFiles];
