{{%AUTOESCAPE context="HTML"}}
  <div class="head">
    <div>
      <h1>Tunnels</h1>
      <p>A tunnel gives a port on your own machine a public address. You have none yet.</p>
    </div>
  </div>
  <section class="card section" aria-label="How it goes">
    <div class="hillside">
      <svg class="hill" viewBox="0 0 1000 150" preserveAspectRatio="none" aria-hidden="true">
        <path class="hill-rock" d="M0 150V148H236C262 146 272 122 294 104c40-30 90-14 140-48C480 22 520 10 590 14c80 4 110 50 190 62 80 10 130-10 220 6v68z"/>
        <path class="hill-vein" d="M336 88c60-10 84-8 134-36 40-22 80-28 124-22 70 8 110 52 190 64 80 10 130-8 216 10"/>
      </svg>
      <ol class="line big">
        <li class="dark"><b>Visitor</b> <span>your friend, a customer, your phone</span></li>
        <li class="dark"><b>Relay</b> <span>this server holds a public port</span></li>
        <li class="dark"><b>Machine</b> <span>your computer calls in; no router settings</span></li>
        <li class="dark"><b>Service</b> <span>the game, desktop or site on it</span></li>
      </ol>
    </div>
    <p class="says">You name the port. We give you a command for your computer. You run it, and the four lamps come on.</p>
    <div class="acts"><a class="btn go" href="{{BASE}}/new">Make your first tunnel</a></div>
  </section>
  <section class="card" aria-labelledby="pick">
    <h2 id="pick">What would you like to reach?</h2>
    <p class="soft">Each of these fills in the form for you.</p>
    <ul class="chips">
      <li><a href="{{BASE}}/new?for=minecraft">Minecraft Java</a></li>
      <li><a href="{{BASE}}/new?for=bedrock">Minecraft Bedrock</a></li>
      <li><a href="{{BASE}}/new?for=valheim">Valheim</a></li>
      <li><a href="{{BASE}}/new?for=rdp">Remote Desktop</a></li>
      <li><a href="{{BASE}}/new?for=ssh">SSH</a></li>
      <li><a href="{{BASE}}/new?for=web">A website on this computer</a></li>
      <li><a href="{{BASE}}/new?for=ha">Home Assistant</a></li>
      <li><a href="{{BASE}}/new?for=adb">Android over ADB</a></li>
      <li><a href="{{BASE}}/new?for=other">Something else</a></li>
    </ul>
  </section>
