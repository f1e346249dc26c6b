/**
 * The dashboards of grafana/, for MySQL or MariaDB and for Prometheus, and the files that provision them. `UPDATE=1
 * node --import tsx --test test/look/metrics/grafana.test.ts` writes them.
 */
import { alertsDashboard } from './alerts.ts';
import { clientDashboard } from './client.ts';
import { fleetDashboard } from './fleet.ts';
import { dashboardJson, type Source } from './panels.ts';
import { provisioningFiles } from './provisioning.ts';

const sources: readonly Source[] = ['mysql', 'prometheus'];
const dashboards = { fleet: fleetDashboard, client: clientDashboard, alerts: alertsDashboard };

/** Returns the content of each file below grafana/. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...sources.flatMap((source) =>
      Object.entries(dashboards).map(
        ([name, spec]) => [`${source}/${name}.json`, dashboardJson(spec, source)] as const,
      ),
    ),
    ...provisioningFiles(sources),
  ]);
}
