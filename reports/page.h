// What the page of the HTML report is made of: the files of page/, as the build put them in.
#ifndef GORDIAN_REPORTS_PAGE_H_
#define GORDIAN_REPORTS_PAGE_H_

namespace gordian::report {

extern const char kPageScript[];
extern const char kPageStyle[];

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_PAGE_H_
