@echo off
setlocal EnableExtensions DisableDelayedExpansion
rem  Adit: starts the tunnel client of this computer.  The settings at the end
rem  are read by the program alone; keep this file to yourself, it holds a key.
title Adit
set "ADIT_FILE=%~f0"
set "A_URL=@URL@"
set "A_SHA=@SHA@"
set "A_CURL=@CURL@"
set "A_SYS=%SystemRoot%\System32"
set "A_PS=%A_SYS%\WindowsPowerShell\v1.0\powershell.exe"
if not defined LOCALAPPDATA goto no_place
set "A_DIR=%LOCALAPPDATA%\Adit\bin"
set "A_EXE=%A_DIR%\adit-@SHA12@.exe"
set "A_TMP=%A_DIR%\get-%RANDOM%%RANDOM%.tmp"
set A_WAIT=2
set A_GETS=0
set "A_BAD="
echo.
echo  Adit.  Keep this window open.
echo  Close it, or press Ctrl+C, to stop the tunnel.
echo.
if not exist "%A_DIR%\" md "%A_DIR%"
if not exist "%A_DIR%\" goto no_folder

:check
if not exist "%A_EXE%" goto fetch
set "A_FILE=%A_EXE%"
set A_NEXT=installed
goto hash
:installed
if "%A_OK%"=="1" goto run
echo  The program on this computer is damaged or was changed. Getting it again.
del /q "%A_EXE%"
if exist "%A_EXE%" goto taken

:fetch
set A_BY=curl
if not exist "%A_SYS%\curl.exe" goto fetch_ps
echo  Downloading the program, the first time only ...
"%A_SYS%\curl.exe" --fail --silent --show-error --globoff --proto "=http,https" --ssl-no-revoke --connect-timeout 15 --max-time 900 --retry 2 %A_CURL% --output "%A_TMP%" "%A_URL%"
if exist "%A_TMP%" goto fetched
echo  The download with curl did not work.
:fetch_ps
set A_BY=powershell
if not exist "%A_PS%" goto no_net
echo  Downloading the program with PowerShell ...
"%A_PS%" -NoProfile -NonInteractive -Command "$ProgressPreference='SilentlyContinue'; [Net.ServicePointManager]::SecurityProtocol='Tls12'; if ($env:A_CURL) {[Net.ServicePointManager]::ServerCertificateValidationCallback={$true}}; $p=[Net.WebRequest]::DefaultWebProxy; if ($p) {$p.Credentials=[Net.CredentialCache]::DefaultNetworkCredentials}; Invoke-WebRequest -UseBasicParsing -Uri $env:A_URL -OutFile $env:A_TMP"
if not exist "%A_TMP%" goto no_net
:fetched
set "A_FILE=%A_TMP%"
set A_NEXT=downloaded
goto hash
:downloaded
if not "%A_OK%"=="1" goto wrong
move /y "%A_TMP%" "%A_EXE%" >nul 2>nul
if exist "%A_TMP%" del /q "%A_TMP%"
if not exist "%A_EXE%" goto taken
rem  Looked at again where it lies now: another window may have put it there.
set /a A_GETS=A_GETS+1
if %A_GETS% GTR 3 goto taken
goto check

:hash
rem  A_OK becomes 1 only when a whole line of the answer equals A_SHA. cmd
rem  compares by itself: no helper's word alone is believed.
set A_OK=0
set A_SEEN=0
if exist "%A_FILE%.sum" del /q "%A_FILE%.sum"
"%A_SYS%\certutil.exe" -hashfile "%A_FILE%" SHA256 >"%A_FILE%.sum" 2>nul
for /f "usebackq delims=" %%H in ("%A_FILE%.sum") do set A_SEEN=1
if "%A_SEEN%"=="0" "%A_PS%" -NoProfile -NonInteractive -Command "(Get-FileHash -LiteralPath $env:A_FILE -Algorithm SHA256).Hash" >"%A_FILE%.sum" 2>nul
for /f "usebackq delims=" %%H in ("%A_FILE%.sum") do if /i "%%H"=="%A_SHA%" set A_OK=1
del /q "%A_FILE%.sum" >nul 2>nul
goto %A_NEXT%

:run
rem  The program finds this file by ADIT_FILE: no secret is on a command line.
echo  Press I there to have the tunnel start by itself, without this window.
"%A_EXE%" run
set "A_RC=%errorlevel%"
if "%A_RC%"=="0" goto bye
if "%A_RC%"=="20" goto settings
if "%A_RC%"=="21" goto revoked
if "%A_RC%"=="22" goto refused
if "%A_RC%"=="23" goto pin
if "%A_RC%"=="24" goto replaced
if "%A_RC%"=="25" goto version
if "%A_RC%"=="26" goto kept
if not exist "%A_EXE%" goto taken
echo  The program ended (code %A_RC%). Starting it again in %A_WAIT% seconds ...
set /a A_PING=A_WAIT+1
"%A_SYS%\ping.exe" -n %A_PING% 127.0.0.1 >nul 2>nul
set /a A_WAIT=A_WAIT*2
if %A_WAIT% GTR 60 set A_WAIT=60
goto check

:no_place
echo  ERROR: this Windows account has no folder for programs (LOCALAPPDATA).
set A_RC=11
goto hold
:no_folder
echo  ERROR: the folder for the program cannot be made:
echo  "%A_DIR%"
set A_RC=12
goto hold
:no_net
if defined A_BAD goto bad_end
echo  ERROR: the program could not be downloaded from
echo  "%A_URL%"
echo  Look at the internet connection, proxy or firewall; then start this file
echo  again.
set A_RC=13
goto hold
:wrong
del /q "%A_TMP%" >nul 2>nul
set A_BAD=1
if "%A_BY%"=="curl" echo  What curl got is not the expected program.
if "%A_BY%"=="curl" goto fetch_ps
:bad_end
echo  ERROR: what was downloaded is not the expected program (its checksum
echo  differs). It was deleted and NOT started. Get this file anew from the
echo  dashboard.
set A_RC=14
goto hold
:taken
echo  ERROR: the program cannot be stored, or was taken away:
echo  "%A_EXE%"
echo  Often an antivirus program does this. Allow the file there; then start
echo  this file again.
set A_RC=15
goto hold
:settings
echo  The settings in this file cannot be used. Get it anew from the dashboard.
goto hold
:revoked
echo  The key in this file was revoked. Get the file anew from the dashboard.
goto hold
:refused
echo  The key in this file is not accepted. Get the file anew from the dashboard.
goto hold
:pin
echo  The server is not the one that this file was made for: somebody may stand
echo  in between, or it was set up anew. Get the file anew from the dashboard.
goto hold
:replaced
echo  This tunnel was started somewhere else, which took over from here.
goto hold
:version
echo  This program and the server have no version in common. Get this file anew
echo  from the dashboard.
goto hold
:kept
echo  The tunnel goes on without this window, and starts by itself from now on.
echo  This file is not needed for that: you may delete it.
set A_RC=0
goto hold
:bye
echo  The tunnel is stopped.
echo  It can start by itself whenever you sign in, without a window: start this
echo  file again, and press I.
exit /b 0
:hold
echo.
if not defined ADIT_NOPAUSE pause
exit /b %A_RC%

The settings. cmd.exe runs nothing below this line.
