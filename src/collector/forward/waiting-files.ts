import path from 'node:path';

import { errnoOf, messageOf } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { documentTime, readDocumentFile, removeStored } from '../inbox/document-files.ts';
import { allowances, documentsFolder } from '../inbox/origins.ts';
import { sealedName, type SpooledReport } from '../sealed-reports/sealed-names.ts';
import { readSealed, type SealedSpool } from '../sealed-reports/sealed-spool.ts';
import type { WaitingFile } from './forward.ts';

export interface WaitingFilesOptions {
  readonly spool: Pick<SealedSpool, 'remove'>;
  /** The reports and documents of this run, and those of earlier runs, each oldest first. */
  readonly present: { readonly reports: readonly SpooledReport[]; readonly documents: readonly string[] };
  readonly backlog: { readonly reports: readonly SpooledReport[]; readonly documents: readonly string[] };
  /** The clients whose reports were refused in the run before. Their reports are sent last. */
  readonly refusedBefore: readonly string[];
  /** Moves a report away that cannot be read. */
  readonly onDamaged: (report: SpooledReport, reason: string) => void;
  readonly onUnreadable: (file: string, reason: string) => void;
}

/** Returns the files of a site in the order in which they are sent: those of this run first, then oldest first. */
export function waitingFiles(options: WaitingFilesOptions): readonly WaitingFile[] {
  const { present, backlog, refusedBefore } = options;
  const refused = new Set(refusedBefore);
  const isRefused = ({ client }: SpooledReport): boolean => client !== null && refused.has(client);
  const timed = [
    ...backlog.reports.map((report) => ({ atMs: report.receivedAtMs, item: report })),
    // The records of a run are complete once its last report has arrived.
    ...backlog.documents.map((file) => ({ atMs: documentTime(file) + minuteMs, item: file })),
  ];
  const items = [
    ...present.reports,
    ...present.documents,
    ...timed.toSorted((one, other) => one.atMs - other.atMs).map(({ item }) => item),
  ];
  const isLast = (item: SpooledReport | string): boolean => typeof item !== 'string' && isRefused(item);
  return [...items.filter((item) => !isLast(item)), ...items.filter(isLast)].map((item) =>
    typeof item === 'string' ? documentFile(item, options) : reportFile(item, options),
  );
}

function documentFile(file: string, { onUnreadable }: WaitingFilesOptions): WaitingFile {
  return {
    ...{ folder: documentsFolder, name: path.basename(file), client: null },
    read: () => readDocumentFile(file, allowances.site.maxDocumentBytes),
    remove: () => removeStored(file),
    onUnreadable: (thrown) => onUnreadable(file, messageOf(thrown)),
  };
}

function reportFile(report: SpooledReport, { spool, onDamaged }: WaitingFilesOptions): WaitingFile {
  const folder = path.basename(path.dirname(report.file));
  return {
    ...{ folder, name: sealedName(report), client: report.client ?? folder },
    read: () => readSealed(report.file),
    remove: () => spool.remove(report),
    // A person removed the file: there is nothing to send and nothing to keep.
    onUnreadable: (thrown) => {
      if (errnoOf(thrown) !== 'ENOENT') onDamaged(report, messageOf(thrown));
    },
  };
}
