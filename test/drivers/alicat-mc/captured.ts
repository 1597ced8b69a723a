/** Tables captured from real instruments on 2026-04-17 (alicatlib, tests/fixtures/responses). */
const table = (...rows: string[]): string => rows.map((row) => `${row}\r`).join("");

export const MANUFACTURING_10V20 = table(
	"A  M00 ALICAT SCIENTIFIC",
	"A  M01 www.alicat.com",
	"A  M02 Ph   520-290-6060",
	"A  M03 info@alicat.com",
	"A  M04 Model Number MC-500SCCM-D",
	"A  M05 Serial Number 521641",
	"A  M06 Date Manufactured 03/02/2025",
	"A  M07 Date Calibrated   03/02/2025",
	"A  M08 Calibrated By     BL",
	"A  M09 Software Revision 10v20.0-R24",
);

export const COLUMNS_10V20 = table(
	"A D00 ID_ NAME______________________ TYPE_______ WIDTH NOTES___________________",
	"A D01 700 Unit ID                    string          1",
	"A D02 002 Abs Press                  s decimal     7/2 010 02 PSIA",
	"A D03 003 Flow Temp                  s decimal     7/2 002 02 `C",
	"A D04 004 Volu Flow                  s decimal     7/2 012 02 CCM",
	"A D05 005 Mass Flow                  s decimal     7/2 012 02 SCCM",
	"A D06 037 Mass Flow Setpt            s decimal     7/2 012 02 SCCM",
	"A D07 703 Gas                        string          6",
	"A D08 701 *Error                     string          3 ADC",
	"A D09 702 *Status                    string          3 OPL",
	"A D10 702 *Status                    string          3 POV",
	"A D11 702 *Status                    string          3 P2O",
	"A D12 702 *Status                    string          3 TOV",
	"A D13 702 *Status                    string          3 VOV",
	"A D14 702 *Status                    string          3 MOV",
	"A D15 702 *Status                    string          3 TMF",
	"A D16 702 *Status                    string          3 OVR",
	"A D17 702 *Status                    string          3 COM",
	"A D18 702 *Status                    string          3 HLD",
	"A D19 702 *Status                    string          3 EXH",
	"A D20 702 *Status                    string          3 GTA",
	"A D21 702 *Status                    string          3 LCK",
);

export const COLUMNS_8V17 = table(
	"B D00 ID_ NAME______________________ TYPE_______ WIDTH NOTES___________________",
	"B D01 700 Unit ID                    string          1",
	"B D02 002 Abs Press                  s decimal     7/2 010 02 PSIA",
	"B D03 003 Flow Temp                  s decimal     7/2 002 02 `C",
	"B D04 004 Volu Flow                  s decimal     7/2 007 02 LPM",
	"B D05 005 Mass Flow                  s decimal     7/2 007 02 SLPM",
	"B D06 037 Mass Flow Setpt            s decimal     7/2 007 02 SLPM",
	"B D07 703 Gas                        string          6",
	"B D08 701 *Error                     string          3 ADC",
);

export const COLUMNS_5V12 = table(
	"A  D00 NAME_______ TYPE_____ MinVal_  MaxVal_  UNITS__",
	"A  D01 Unit ID     char         A         Z         na",
	"A  D02 Pressure    signed    +000.00  +160.00     PSIA",
	"A  D03 Temperature signed    -010.00  +050.00        C",
	"A  D04 Volumetric  signed    +0000.0  +0500.0      CCM",
	"A  D05 Mass        signed    +0000.0  +0500.0     SCCM",
	"A  D06 SetPoint    signed    +0000.0  +0500.0     SCCM",
	"A  D07 Gas         string        Air       D2       na",
	"A  D08 Error       string         na      ADC       na",
);
