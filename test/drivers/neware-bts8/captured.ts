/**
 * Replies of a real BTS 8.0 server, shortened to a few lines each: EmpaEconversion/aurora-neware, `tests/mocks.py`. The
 * terminator that follows every one of them is not part of the texts.
 */
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">\r\n';

export const CONNECT = `${HEAD}  <cmd>connect_resp</cmd>\r\n  <result>ok</result>\r\n</bts>`;

export const DEVICES =
	`${HEAD}  <cmd>getdevinfo_resp</cmd>\r\n  <serverip count="1">\r\n    <server ip="127.0.0.1" port="3306" />\r\n  </serverip>\r\n` +
	'  <middle count="16">\r\n' +
	'    <channel ip="127.0.0.1" devtype="27" devid="21" subdevid="1" Channelid="1">true</channel>\r\n' +
	'    <channel ip="127.0.0.1" devtype="27" devid="21" subdevid="1" Channelid="2">false</channel>\r\n' +
	"</middle>\r\n</bts>";

export const NO_DEVICES =
	`${HEAD}  <cmd>getdevinfo_resp</cmd>\r\n  <serverip count="1">\r\n    <server ip="127.0.0.1" port="3306" />\r\n  </serverip>\r\n` +
	'  <middle count="0">\r\n</middle>\r\n</bts>';

/** Two channels were asked for: the count says 1. */
export const INQUIRED =
	`${HEAD}  <cmd>inquire_resp</cmd>\r\n  <list count="1">\r\n` +
	'    <inquire dev="27-21-1-1-0" cycle_id="1" step_type="--" workstatus="finish" barcode="251203_kigr_gen17_01" current="0" voltage="3.8834" capacity="0" energy="0" totaltime="0" relativetime="0" open_or_close="0" log_code="0" />\r\n' +
	'    <inquire dev="27-21-1-2-0" cycle_id="44" step_id="4" step_type="dc" workstatus="working" barcode="251203_kigr_gen17_02" current="-0.0003" voltage="4.6947" capacity="0.001" energy="0.0047" totaltime="3189199.3" relativetime="12319" open_or_close="0" log_code="102000" />\r\n' +
	"  </list>\r\n</bts>";

export const EXTENTS =
	`${HEAD}  <cmd>inquiredf_resp</cmd>\r\n  <list count="2">\r\n` +
	'    <chl devtype="27" devid="21" subdevid="1" chlid="1" testid="143" count="219585">true</chl>\r\n' +
	'    <chl devtype="27" devid="21" subdevid="1" chlid="2" testid="144" count="320850">false</chl>\r\n' +
	"  </list>\r\n</bts>";

/** A start on channel 4 that failed came back labelled channel 2. */
export const START_FAILED =
	`${HEAD}  <cmd>start_resp</cmd>\r\n  <list count="1">\r\n` +
	'    <start ip="127.0.0.1" devtype="27" devid="21" subdevid="1" chlid="2">false</start>\r\n' +
	"  </list>\r\n</bts>";

/** The last rows of 219585; the command is the server's own spelling. */
export const DOWNLOADED =
	`${HEAD}  <cmd>donwload_resp</cmd>\r\n` +
	'  <download devtype="27" devid="21" subdevid="1" chlid="1" testid="143" startpos="219583" count="1000" auxid="0" />\r\n' +
	'  <list count="3">\r\n' +
	'    <data seqid="219583" stepid="24" cycleid="29" steptype="dc" testtime="36120000" atime="2025-12-28 22:29:55" volt="3.55259799957275" curr="-0.000295052566798404" cap="0.00296038226224482" eng="0.0135760009288788" />\r\n' +
	'    <data seqid="219584" stepid="24" cycleid="29" steptype="dc" testtime="36130000" atime="2025-12-28 22:30:05" volt="3.52100968360901" curr="-0.000295051228022203" cap="0.00296120182611048" eng="0.013578899204731" />\r\n' +
	'    <data seqid="219585" stepid="24" cycleid="29" steptype="dc" testtime="36136400" atime="2025-12-28 22:30:11" volt="3.49995565414429" curr="-0.000295051460852847" cap="0.00296172639355063" eng="0.013580740429461" />\r\n' +
	"  </list>\r\n</bts>";

export const NOTHING_DOWNLOADED =
	`${HEAD}  <cmd>donwload_resp</cmd>\r\n` +
	'  <download devtype="27" devid="21" subdevid="1" chlid="1" testid="143" startpos="0" count="0" auxid="0" />\r\n' +
	'  <list count="0" />\r\n</bts>';

export const LOG =
	`${HEAD}  <cmd>donwloadlog_resp</cmd>\r\n` +
	'  <download devtype="27" devid="21" subdevid="1" chlid="1" testid="143" log_lever="0" />\r\n  <list count="2">\r\n' +
	'    <data seqid="1" log_code="100000" atime="2025-12-03 16:44:02" />\r\n' +
	'    <data seqid="139026" log_code="100007" atime="2025-12-19 16:36:20" />\r\n' +
	"  </list>\r\n</bts>";

/** What the real client (aurora-neware) sends, with the stray quotation mark after the list of a start. */
export const CLIENT_START =
	'<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0"><cmd>start</cmd><list count = "1">' +
	'<start ip="127.0.0.1" devtype="27" devid="21" subdevid="1" chlid="1" barcode="mysample">C:\\steps\\a.xml</start>' +
	'<backup backupdir="C:\\Neware data\\" remotedir="" filenametype="0" customfilename="" addtimewhenrepeat="0" createdirbydate="0" ' +
	'filetype="0" backupontime="1" backupontimeinterval="720" backupfree="1" /></list>"</bts>\n\n#\r\n';
