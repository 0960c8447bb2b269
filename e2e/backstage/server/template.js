// Says of each file that is named whether Backstage takes it for a template.
const fs = require('fs');
const yaml = require('yaml');
const { templateEntityV1beta3Validator } = require('@backstage/plugin-scaffolder-common');

(async () => {
  for (const file of process.argv.slice(2)) {
    if (!(await templateEntityV1beta3Validator.check(yaml.parse(fs.readFileSync(file, 'utf8'))))) {
      throw new Error(`${file} is no template`);
    }
    console.log(`${file} is a template`);
  }
})();
