// People at a browser: by keyboard, without JavaScript, and the pages of others who want to act for them. It prints a line
// for each thing that is wrong. SITE is the server, WAY a path of its authorization endpoint, EVIL the origin of others,
// END where the client leads on to, CHROMIUM the browser; SHOTS, where set, is a folder for pictures.
import { chromium } from 'playwright-core'

const { SITE, WAY, EVIL, END, CHROMIUM, SHOTS, REAL } = process.env
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const wrong = what => console.log(what)
const context = await browser.newContext({ javaScriptEnabled: false, colorScheme: 'dark' })
await context.route(url => url.hostname.endsWith('googleapis.com'), route => route.abort())
const page = await context.newPage()
page.on('console', m => m.location().url.startsWith(SITE) && !m.text().includes('status of 4') && wrong('console: ' + m.text()))
const shoot = async name => { if (SHOTS) await page.screenshot({ path: `${SHOTS}/flow-${name}.png`, fullPage: true }) }
const title = async want => {
  const got = await page.locator('h1').first().textContent({ timeout: 15000 }).catch(e => String(e))
  if (got !== want) wrong(`at ${page.url()}: "${got}", want "${want}"`)
}
const keys = async (...all) => { for (const key of all) await page.keyboard.press(key) }

// Sign in, by keyboard alone.
await page.goto(SITE + WAY)
await title('Sign in to go on')
await shoot('handoff')
await keys('Tab', 'Enter')
if (REAL) {
  await page.waitForURL(url => url.pathname.startsWith('/interaction/'))
  await page.fill('[name=login]', 'alice')
  await page.fill('[name=password]', 'x')
  await keys('Enter')
  await page.waitForSelector('text=Authorize')
  await page.click('button[type=submit]')
} else {
  await page.waitForURL('**/signin?**')
  await title('Sign in as a test user')
  await page.keyboard.type('no name')
  await keys('Enter')
  await page.waitForSelector('[role=alert]')
  await shoot('testuser-problem')
  await keys('Control+A')
  await page.keyboard.type('alice') // the focus is where it is wanted
  await keys('Enter')
}
await page.waitForURL('**' + WAY)
await title('Allow access?')
await shoot('consent')
if (!(await page.textContent('main')).includes('alice')) wrong('the page does not say who is signed in')

// A click that was meant for what was there before does not count.
const devtools = await context.newCDPSession(page)
await devtools.send('Animation.enable')
await devtools.send('Animation.setPlaybackRate', { playbackRate: 0 })
await page.reload()
const allow = await page.locator('text="Allow"').boundingBox()
await page.mouse.dblclick(allow.x + allow.width / 2, allow.y + allow.height / 2)
await page.waitForTimeout(500)
if (!page.url().endsWith(WAY)) wrong('a double click on a page that has just come up is taken for a yes: ' + page.url())
await devtools.send('Animation.setPlaybackRate', { playbackRate: 1 })
await devtools.detach()

// The pages of others. They may run scripts, and have the browser of the one who is signed in.
const scripted = await browser.newContext({ storageState: await context.storageState() })
const evil = await scripted.newPage()
const refused = []
evil.on('console', m => refused.push(m.text()))
await evil.goto(EVIL + '/frame')
await evil.waitForTimeout(500)
for (const frame of evil.frames().slice(1)) if ((await frame.content()).includes('Allow access?')) wrong('the page can be framed')
if (!refused.some(text => /frame-ancestors|X-Frame-Options/.test(text))) wrong('nothing refuses the frame: ' + refused)
await evil.goto(EVIL + '/post')
await evil.waitForURL(url => url.href.startsWith(SITE))
const answer = await evil.textContent('h1')
if (answer !== 'Sign in to go on' && answer !== 'This did not come from our page') wrong('the form of another site is answered with ' + answer)
await evil.goto(SITE + WAY)
if (await evil.textContent('h1') !== 'Allow access?') wrong('a link from another site finds nobody signed in: ' + await evil.textContent('h1'))
await scripted.close()

// Say yes, by keyboard. Chromium holds the whole way on to the policy of the page.
await page.goto(SITE + WAY)
await keys('Tab', 'Enter')
await page.waitForURL(url => url.href.startsWith(END), { timeout: 20000 }).catch(() => wrong('after the yes: ' + page.url()))

// Sign out.
await page.goto(SITE + '/signin')
await title('You are signed in')
await keys('Tab', 'Enter')
await page.waitForURL('**/signin/out')
await shoot('signout')
await keys('Tab', 'Enter')
await page.waitForSelector('text=You are signed out')
await shoot('signedout')
await page.goto(SITE + WAY)
await title('Sign in to go on')
await browser.close()
