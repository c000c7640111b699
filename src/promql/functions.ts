/** The types of PromQL; a vector is an instant vector, a matrix a range vector. */
export type PromqlType = 'scalar' | 'vector' | 'string' | 'matrix';

/** What a function takes. The type of an argument past the last one is the last one's. */
export interface Parameters {
  readonly types: readonly PromqlType[];
  readonly required: number;
  readonly most: number;
}

const takes = (...types: PromqlType[]): Parameters => ({ types, required: types.length, most: types.length });
const lastMayMiss = (all: Parameters): Parameters => ({ ...all, required: all.required - 1 });
const lastRepeats = (all: Parameters): Parameters => ({ ...all, required: all.required - 1, most: Infinity });

const each = (parameters: Parameters, names: string): [string, Parameters][] =>
  names.split(' ').map((name) => [name, parameters]);

/** Parameters of PromQL's functions (prometheus/promql/parser/functions.go). One not listed is not checked. */
const signatures: ReadonlyMap<string, Parameters> = new Map([
  ...each(takes('vector'), 'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2'),
  ...each(takes('vector'), 'histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum rad'),
  ...each(takes('vector'), 'scalar sgn sin sinh sort sort_desc sqrt start_timestamp tan tanh timestamp'),
  ...each(lastMayMiss(takes('vector')), 'day_of_month day_of_week day_of_year days_in_month hour minute month year'),
  ...each(takes('matrix'), 'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time'),
  ...each(takes('matrix'), 'idelta increase irate last_over_time mad_over_time max_over_time min_over_time'),
  ...each(takes('matrix'), 'present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time'),
  ...each(takes('matrix'), 'ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time'),
  ...each(takes('vector', 'scalar', 'scalar'), 'clamp'),
  ...each(takes('vector', 'scalar'), 'clamp_max clamp_min'),
  ...each(lastMayMiss(takes('vector', 'scalar')), 'round'),
  ...each(takes('matrix', 'scalar', 'scalar'), 'double_exponential_smoothing'),
  ...each(takes('matrix', 'scalar'), 'predict_linear'),
  ...each(takes('scalar', 'matrix'), 'quantile_over_time'),
  ...each(takes('scalar', 'vector'), 'histogram_quantile'),
  ...each(takes('scalar', 'scalar', 'vector'), 'histogram_fraction'),
  ...each(lastRepeats(takes('vector', 'string', 'string', 'string')), 'label_join'),
  ...each(takes('vector', 'string', 'string', 'string', 'string'), 'label_replace'),
  ...each(lastRepeats(takes('vector', 'string')), 'sort_by_label sort_by_label_desc'),
  ...each(takes('scalar'), 'vector'),
  ...each(takes(), 'time pi start end step range'),
]);

const scalarFunctions: ReadonlySet<string> = new Set(['scalar', 'time', 'pi', 'start', 'end', 'step', 'range']);

/** What a function takes; undefined for one that is not known. */
export function parametersOf(functionName: string): Parameters | undefined {
  return signatures.get(functionName);
}

/** The type of what a function returns. */
export function returnTypeOf(functionName: string): PromqlType {
  return scalarFunctions.has(functionName) ? 'scalar' : 'vector';
}

/** The type of an aggregation's parameter, `topk(5, …)`; undefined where it takes none. */
export function aggregationParameterOf(operator: string): PromqlType | undefined {
  if (operator === 'count_values') return 'string';
  return ['topk', 'bottomk', 'quantile', 'limitk', 'limit_ratio'].includes(operator) ? 'scalar' : undefined;
}
