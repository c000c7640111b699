import { bundle } from '../../scripts/bundle.ts';

/** Writes `dist` once before all tests: worker threads and processes under test run the built program. */
export default bundle;
