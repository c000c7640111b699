import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { configurationPage } from '../../src/config/docs.ts';
import { settings } from '../../src/config/table.ts';

test('docs/configuration.md is what the table says (npm run docs:config writes it anew)', async () => {
  const style = await resolveConfig('docs/configuration.md');
  const page = await format(configurationPage(), { ...style, parser: 'markdown' });
  await expect(page).toMatchFileSnapshot('../../docs/configuration.md');
});

test('the page names every flag and every variable', () => {
  const page = configurationPage();
  for (const setting of settings) {
    expect(page).toContain(`\`${setting.env}\``);
    if (setting.flag !== undefined) expect(page).toContain(`\`${setting.flag}\``);
  }
});
