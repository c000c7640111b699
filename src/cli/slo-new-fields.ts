import { oneOf, path } from '../config/parsers.ts';
import { kinds } from './slo-draft.ts';
import { field } from './slo-fields.ts';
import * as parse from './slo-parsers.ts';

/** What `aegis slo new` has to know. */
export function newSloFields() {
  return {
    service: field('--service', 'service', 'the service, as in the state of a service', parse.line(128)),
    kind: field('--kind', 'kind', `the kind of metric: ${kinds.join(', ')}`, oneOf(...kinds)),
    id: field('--id', 'id', 'the id of the SLO, which pipelines ask for', parse.sloId),
    environment: field('--environment', 'environment', 'the environment', parse.line(64)),
    owner: field('--owner', 'owner', 'the team that is asked, - for none', parse.line(128)),
    metric: field('--metric', 'metric', 'the metric: a counter of all events, a histogram or a gauge', parse.metric),
    errors: field('--errors', 'matcher', 'the label of an error (availability)', parse.matcher),
    threshold: field('--threshold', 'duration', 'the longest that a good request takes (latency)', parse.threshold),
    errorMetric: field('--error-metric', 'metric', 'the counter of errors (errors)', parse.metric),
    below: field('--below', 'bound', 'the bound below which all is well (gauge)', parse.bound),
    selector: field('--selector', 'matchers', 'labels of the series, {} for none', parse.selector),
    objective: field('--objective', 'share', 'the objective: a ratio or a percentage', parse.objective),
    noTraffic: field('--no-traffic', 'decision', 'what no traffic counts as', oneOf('warn', 'allow', 'block')),
    scrapeInterval: field('--scrape-interval', 'duration', "the series' scrape interval", parse.scrapeInterval),
    out: field('--out', 'file', 'the file to write [standard output]', path),
  };
}

export type NewSloFields = ReturnType<typeof newSloFields>;
