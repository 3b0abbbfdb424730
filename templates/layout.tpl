{{%AUTOESCAPE context="HTML"}}
<!DOCTYPE html>
<html lang="en"{{#THEME}} data-theme="{{THEME}}"{{/THEME}}>
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{{TITLE}} - Adit</title>
  <link rel="icon" href="{{ICON}}" sizes="32x32">
  <link rel="icon" href="{{MARK}}" type="image/svg+xml">
  <link rel="stylesheet" href="{{CSS}}">
  <script src="{{JS}}"></script>
</head>
<body{{#PORCH_CLASS}} class="porch"{{/PORCH_CLASS}} data-base="{{BASE}}">
<a class="skip" href="#main">Skip to the content</a>
{{#HOUSE}}
<header class="top">
  <a class="brand" href="{{BASE}}/"><svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><path class="mark-hill" d="M6.36 18 15.31 3.93a2 2 0 0 1 3.45.11l12 22A2 2 0 0 1 29 29H3a2 2 0 0 1-1.69-3.07L3.81 22H16a2 2 0 0 0 0-4z"/><circle class="mark-lamp" cx="18" cy="20" r="3"/></svg>Adit</a>
  <nav class="tabs" aria-label="Main">
    <ul>
      <li><a href="{{BASE}}/"{{#IN_TUNNELS}} aria-current="page"{{/IN_TUNNELS}}>Tunnels</a></li>
      <li><a href="{{BASE}}/machines"{{#IN_MACHINES}} aria-current="page"{{/IN_MACHINES}}>Machines</a></li>
      {{#IS_ADMIN}}
      <li><a href="{{BASE}}/admin"{{#IN_ADMIN}} aria-current="page"{{/IN_ADMIN}}>Admin</a></li>
      {{/IS_ADMIN}}
      <li><a href="{{BASE}}/account"{{#IN_ACCOUNT}} aria-current="page"{{/IN_ACCOUNT}}>Account</a></li>
    </ul>
  </nav>
  <div class="me"><span class="soft">{{EMAIL}}</span>
    <form method="post" action="{{BASE}}/signout"><input type="hidden" name="token" value="{{TOKEN}}"><button class="link" type="submit">Sign out</button></form></div>
</header>
{{/HOUSE}}
{{#PORCH}}
<header><a class="brand" href="{{BASE}}/"><svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><path class="mark-hill" d="M6.36 18 15.31 3.93a2 2 0 0 1 3.45.11l12 22A2 2 0 0 1 29 29H3a2 2 0 0 1-1.69-3.07L3.81 22H16a2 2 0 0 0 0-4z"/><circle class="mark-lamp" cx="18" cy="20" r="3"/></svg>Adit</a></header>
{{/PORCH}}
<main class="wrap{{#ROOMY}} roomy{{/ROOMY}}" id="main">
  {{#FLASH}}
  <div class="flash {{CLASS}}" role="{{ROLE}}"><p>{{TEXT}}</p>{{#UNDO}}
    <form method="post" action="{{BASE}}/tunnels/{{ID}}/restore"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Take it back</button></form>{{/UNDO}}</div>
  {{/FLASH}}
  {{#ERRORS}}
  <div class="flash bad" role="alert" id="errors" tabindex="-1" autofocus>
    <p><strong>{{COUNT}} another look.</strong> Nothing has been changed yet.</p>
    <ul>
      {{#ERROR}}
      <li><a href="#{{FIELD}}">{{SAYS}}</a></li>
      {{/ERROR}}
    </ul>
  </div>
  {{/ERRORS}}
{{>BODY}}
</main>
{{#SCENE}}
<svg class="scene" viewBox="0 0 1600 400" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
  <path class="hill-rock" d="M-800 334H560C640 306 700 236 790 190c70-36 120-24 190-72 60-40 90-86 170-98 90-12 130 50 210 78 90 32 150 10 240 60l800 160v82H-800z"/>
  <path class="hill-vein" d="M738 228c90-36 166-4 270-56 70-38 110-70 190-66 90 6 150 76 260 98 70 14 110 12 956 160M664 272c110-10 116-22 206-32 100-12 130 0 220-44 70-36 130-28 210 8 90 40 180 34 300 66l800 130"/>
  {{#ROCK}}
  <path class="bore" d="M430 284H838l14 8-9 11 12 9-10 10 6 12H430z"/>
  <path class="track" d="M-800 334H846"/>
  <path class="stones" d="M800 334l3-11 12-4 9 6 2 9zM770 334l2-7 8-2 6 9zM828 334l4-15 10-3 6 10-2 8z"/>
  {{/ROCK}}
  {{#LAMP}}
  <path class="bore" d="M430 284H1010a25 25 0 0 1 0 50H430z"/>
  <path class="track" d="M-800 334H1012"/>
  <circle class="halo" cx="1010" cy="309" r="42"/><circle class="lamp" cx="1010" cy="309" r="11"/>
  {{/LAMP}}
  {{#GATE}}
  <path class="bore" d="M430 284H1010a25 25 0 0 1 0 50H430z"/>
  <path class="track" d="M-800 334H1012"/>
  <path class="gate" d="M660 285v48M676 285v48M692 285v48M708 285v48M652 309h64"/><circle class="unlit" cx="1010" cy="309" r="10"/>
  {{/GATE}}
  {{#UNLIT}}
  <path class="bore" d="M430 284H1010a25 25 0 0 1 0 50H430z"/>
  <path class="track" d="M-800 334H1012"/>
  <circle class="unlit" cx="1010" cy="309" r="10"/>
  {{/UNLIT}}
</svg>
{{/SCENE}}
<footer class="foot">
  <p>Adit {{VERSION}} on {{HOST}}.{{#CONTACT}} Report abuse to {{CONTACT}}.{{/CONTACT}}</p>
  <form class="theme" method="post" action="{{BASE}}/theme" aria-label="Appearance">
    <input type="hidden" name="token" value="{{TOKEN}}"><input type="hidden" name="back" value="{{BACK}}">
    <button type="submit" name="theme" value="auto" aria-pressed="{{AUTO}}">Auto</button>
    <button type="submit" name="theme" value="light" aria-pressed="{{LIGHT}}">Light</button>
    <button type="submit" name="theme" value="dark" aria-pressed="{{DARK}}">Dark</button>
  </form>
</footer>
</body>
</html>
