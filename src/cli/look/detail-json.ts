import { checkStateWords } from '../../report/checks/checks.ts';
import type { ShownCheck } from '../../look/data/client-checks.ts';
import type { ClientDetail, NewestReport, ProcessFigure } from '../../look/data/client-detail.ts';
import { logPriorities } from '../../report/log-lines.ts';
import { diskFigures, networkFigures, statsFigureNames } from '../../report/metrics.ts';
import type { Inventory } from '../../storage/store/detail-store.ts';
import { alertJson } from '../command/alert-words.ts';
import { memberJson } from '../command/member-words.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { forecastJson } from './forecast-json.ts';

/** Returns the document of `show`. docs/json.md describes the fields. */
export function detailJson(detail: ClientDetail, nowMs: number): object {
  const { member, listed, alerts, newest, forecasts, visits, day, inventory, mails, logs, logCounts } = detail;
  return {
    command: 'show',
    at: jsonTime(nowMs),
    ...memberJson(member),
    ...(listed === null ? { state: 'left' } : {}),
    groups: listed?.groups ?? [],
    alerts: alerts.map((view) => ({ ...alertJson(view), note: view.note })),
    report: newest === null ? null : reportJson(newest),
    disks: newest?.disks.map((disk) => columnsIn(disk, diskColumns)) ?? [],
    forecasts: forecasts.map(forecastJson),
    networks: newest?.networks.map((network) => columnsIn(network, networkColumns)) ?? [],
    checks: newest?.checks.map(checkJson) ?? [],
    processes_by_cpu: processesJson(newest?.whole?.processesByCpu, 'percent_of_one_cpu'),
    processes_by_memory: processesJson(newest?.whole?.processesByMemory, 'resident_bytes'),
    failed_unit_names: (newest?.row.failed_units ?? null) === null ? null : (newest?.whole?.failedUnits ?? null),
    probe_error_texts: newest?.whole?.probeErrors ?? null,
    visits: visits.map(jsonFields),
    day: day === null ? null : dayJson(day),
    inventory: inventory === null ? null : inventoryJson(inventory),
    mails: mails.map(({ mailId: id, createdAtMs, sentAtMs, lines, ...mail }) => ({
      id,
      ...jsonFields({ ...mail, createdAtMs, sentAtMs }),
      lines: lines.map(jsonFields),
    })),
    log_counts: logCounts.map(({ metric, labels, count }) => ({ metric, ...labels, count })),
    logs: logs.map(({ priority, ...line }) => ({
      ...jsonFields(line),
      priority: logPriorities[priority ?? -1] ?? null,
    })),
  };
}

const diskColumns = ['mount', 'fstype', 'source', 'scope', 'mode', ...diskFigures] as const;
const networkColumns = ['interface', ...networkFigures, 'interval_s'] as const;

/** Returns only the given columns: a stored row has more. */
function columnsIn<Row extends object>(row: Row, columns: readonly (keyof Row)[]): object {
  return Object.fromEntries(columns.map((column) => [column, row[column]]));
}

function reportJson({ row, whole }: NewestReport): object {
  const { observedAtMs, receivedAtMs, clockOffsetMs } = row;
  const { memoryBytes = null, memoryAvailableBytes = null, swapBytes = null } = whole ?? {};
  return {
    ...jsonFields({ observedAtMs, receivedAtMs, clockOffsetMs }),
    ...columnsIn(row, statsFigureNames),
    ...jsonFields({ memoryBytes, memoryAvailableBytes, swapBytes }),
    is_whole: whole !== null,
  };
}

function checkJson({ sinceMs, sinceIsOlder, ...check }: ShownCheck): object {
  const { check_name, state, text, perfdata, age_s, refused } = check;
  return {
    ...{ check_name, state, state_text: checkStateWords[state], text, perfdata, age_s, refused: refused === 1 },
    ...{ state_since: jsonTime(sinceMs), state_may_be_older: sinceIsOlder },
  };
}

function processesJson(figures: readonly ProcessFigure[] | undefined, unit: string): readonly object[] | null {
  return figures?.map(({ process, pid, value }) => ({ process, pid, [unit]: value })) ?? null;
}

function inventoryJson({ memoryModules, diskDevices, networkCards, ...machine }: Inventory): object {
  return {
    ...jsonFields(machine),
    memory_modules: memoryModules?.map(jsonFields) ?? null,
    disk_devices: diskDevices?.map(jsonFields) ?? null,
    network_cards: networkCards?.map(jsonFields) ?? null,
  };
}

function dayJson({ sinceMs, stepMs, cpuPercent, memoryPercent, load5 }: NonNullable<ClientDetail['day']>): object {
  return { ...jsonFields({ sinceMs }), step_s: stepMs / 1000, ...jsonFields({ cpuPercent, memoryPercent, load5 }) };
}
