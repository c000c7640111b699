import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { sloSchema } from '../../src/slo/schema.ts';

describe('schemas/slo_v1.json', () => {
  it('is the schema of the code (`npm run schema` writes it)', async () => {
    await expect(`${JSON.stringify(sloSchema, null, 2)}\n`).toMatchFileSnapshot('../../schemas/slo_v1.json');
  });

  it('is valid by the metaschema, which the server does not ask again at each start', () => {
    const ajv = new Ajv2020();
    expect(ajv.validateSchema(sloSchema), ajv.errorsText()).toBe(true);
  });
});
